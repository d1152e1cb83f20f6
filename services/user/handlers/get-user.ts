import { z } from 'zod';
import type { GetUserRequest, GetUserResponse } from '#gen/oxo/user/v1/user_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { sendEtag } from '#kit/etag.ts';
import { viewerOf } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { idOrMe, resolveMe, validate } from '#kit/validate.ts';
import { findUser } from '../profiles/find-user.ts';
import { userMessage } from '../profiles/user-message.ts';

const input = z.object({ id: idOrMe() });

/** @throws OxoError VALIDATION_FAILED, USER_NOT_FOUND */
export function getUser({ db }: { db: Queryable }) {
  return async (request: GetUserRequest, context: CallContext): Promise<GetUserResponse> => {
    const id = resolveMe(context, 'id', validate(input, request).id);
    const { row, relationship } = await findUser(db, { id }, viewerOf(context)?.userId);
    const user = userMessage(row, relationship);
    sendEtag(context, user.etag);
    return { user };
  };
}
