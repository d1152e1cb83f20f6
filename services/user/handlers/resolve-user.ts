import type { ResolveUserRequest, ResolveUserResponse } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { invalidFields, userNotFound } from '#kit/errors.ts';
import { isId } from '#kit/ids.ts';
import { NO_ID } from '#kit/validate.ts';
import { findUser, type UserKey } from '../profiles/find-user.ts';
import { normalizeHandle } from '../profiles/profile-input.ts';
import { userMessage } from '../profiles/user-message.ts';

/** @throws OxoError VALIDATION_FAILED, USER_NOT_FOUND */
export function resolveUser({ db }: { db: Queryable }) {
  return async (request: ResolveUserRequest): Promise<ResolveUserResponse> => {
    const { row } = await findUser(db, keyOf(request));
    return { user: userMessage(row) };
  };
}

/** What nobody can have as a handle is a user who is not there: people sign in by what they type. */
function keyOf({ id, handle }: ResolveUserRequest): UserKey {
  if (id !== undefined) {
    if (!isId(id)) throw invalidFields([{ field: 'id', description: NO_ID }]);
    return { id };
  }
  if (handle === undefined) throw invalidFields([{ field: 'by', description: 'must be an id or a handle' }]);
  const normalized = normalizeHandle(handle);
  if (normalized === undefined) throw userNotFound();
  return { handle: normalized };
}
