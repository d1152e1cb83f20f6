import { z } from 'zod';
import type { GetUserRequest, GetUserResponse } from '#gen/oxo/user/v1/user_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { viewerOf } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { idOrMe, validate } from '#kit/validate.ts';
import { findUser } from '../profiles/find-user.ts';
import { userMessage } from '../profiles/user-message.ts';

export function getUser({ db }: { db: Queryable }) {
  return async (request: GetUserRequest, context: CallContext): Promise<GetUserResponse> => {
    const viewerId = viewerOf(context)?.userId;
    const { id } = validate(z.object({ id: idOrMe(viewerId) }), request);
    const { row, relationship } = await findUser(db, { id }, viewerId);
    return { user: userMessage(row, relationship) };
  };
}
