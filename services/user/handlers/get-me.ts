import type { GetMeRequest, GetMeResponse } from '#gen/oxo/user/v1/user_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { sendEtag } from '#kit/etag.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { findUser } from '../profiles/find-user.ts';
import { userMessage } from '../profiles/user-message.ts';

/** @throws OxoError USER_NOT_FOUND when the caller is gone */
export function getMe({ db }: { db: Queryable }) {
  return async (_request: GetMeRequest, context: CallContext): Promise<GetMeResponse> => {
    const { userId } = requireViewer(context);
    const { row, relationship } = await findUser(db, { id: userId }, userId);
    const user = userMessage(row, relationship);
    sendEtag(context, user.etag);
    return { user };
  };
}
