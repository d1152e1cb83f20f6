import { z } from 'zod';
import type { ListPostRevisionsRequest, ListPostRevisionsResponse } from '#gen/oxo/post/v1/post_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { openPage } from '#kit/page-token.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, pageFields, validate } from '#kit/validate.ts';
import { revisionMessage } from '../posts/post-message.ts';
import { findRevisions } from '../posts/revisions.ts';
import type { Visibility } from '../posts/visibility.ts';

const input = z.object({ id: id(), ...pageFields({ default: 20, max: 100 }) });

export interface ListPostRevisionsDependencies {
  db: Queryable;
  visibility: Visibility;
}

/** @throws OxoError VALIDATION_FAILED, PAGE_TOKEN_INVALID, POST_NOT_FOUND */
export function listPostRevisions({ db, visibility }: ListPostRevisionsDependencies) {
  return async (request: ListPostRevisionsRequest, context: CallContext): Promise<ListPostRevisionsResponse> => {
    const { id, ...asked } = validate(input, request);
    const page = openPage(`post-revisions:${id}`, asked);
    await visibility.requireVisible(id, context);
    // Numbers stand for times here: two edits may share a millisecond.
    const found = await findRevisions(db, id, page.before.atMs, page.limit);
    const { rows, nextPageToken } = page.close(found, ({ number }) => ({ atMs: number, id }));
    return { revisions: rows.map(revisionMessage), nextPageToken };
  };
}
