import { z } from 'zod';
import type { ListFollowersRequest, ListFollowersResponse } from '#gen/oxo/user/v1/user_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { idOrMe, pageFields, validate } from '#kit/validate.ts';
import { FOLLOWERS, readFollowList } from '../graph/follow-lists.ts';

const input = z.object({ id: idOrMe(), ...pageFields({ default: 20, max: 100 }) });

/** @throws OxoError VALIDATION_FAILED, PAGE_TOKEN_INVALID, USER_NOT_FOUND */
export function listFollowers({ db }: { db: Queryable }) {
  return (request: ListFollowersRequest, context: CallContext): Promise<ListFollowersResponse> =>
    readFollowList(db, FOLLOWERS, validate(input, request), context);
}
