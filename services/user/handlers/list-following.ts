import { z } from 'zod';
import type { ListFollowingRequest, ListFollowingResponse } from '#gen/oxo/user/v1/user_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { idOrMe, pageFields, validate } from '#kit/validate.ts';
import { FOLLOWING, readFollowList } from '../graph/follow-lists.ts';

const input = z.object({ id: idOrMe(), ...pageFields({ default: 20, max: 100 }) });

/** @throws OxoError VALIDATION_FAILED, PAGE_TOKEN_INVALID, USER_NOT_FOUND */
export function listFollowing({ db }: { db: Queryable }) {
  return (request: ListFollowingRequest, context: CallContext): Promise<ListFollowingResponse> =>
    readFollowList(db, FOLLOWING, validate(input, request), context);
}
