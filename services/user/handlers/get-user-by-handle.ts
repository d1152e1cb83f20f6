import type { GetUserByHandleRequest, GetUserByHandleResponse } from '#gen/oxo/user/v1/user_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { userNotFound } from '#kit/errors.ts';
import { sendEtag } from '#kit/etag.ts';
import { viewerOf } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { findUser } from '../profiles/find-user.ts';
import { normalizeHandle } from '../profiles/profile-input.ts';
import { userMessage } from '../profiles/user-message.ts';

/** @throws OxoError USER_NOT_FOUND, also for what nobody can have as a handle */
export function getUserByHandle({ db }: { db: Queryable }) {
  return async (request: GetUserByHandleRequest, context: CallContext): Promise<GetUserByHandleResponse> => {
    const handle = normalizeHandle(request.handle);
    if (handle === undefined) throw userNotFound();
    const { row, relationship } = await findUser(db, { handle }, viewerOf(context)?.userId);
    const user = userMessage(row, relationship);
    sendEtag(context, user.etag);
    return { user };
  };
}
