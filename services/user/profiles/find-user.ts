import type { Relationship } from '#gen/oxo/user/v1/user.ts';
import type { Queryable } from '#kit/db/database.ts';
import { userNotFound } from '#kit/errors.ts';
import { type UserRow, userColumns } from '../entities/user-entity.ts';

/** Which user: by id, or by handle in lower case. */
export type UserKey = { id: string } | { handle: string };

const RELATIONSHIP = `
  exists (select from follows where follower_id = $2::uuid and followee_id = u.id) as following,
  exists (select from follows where follower_id = u.id and followee_id = $2::uuid) as "followedBy"`;

const FIND_BY_ID = {
  name: 'user-find-by-id',
  text: `select ${userColumns('u')}, ${RELATIONSHIP} from users u where u.id = $1::uuid`,
};
const FIND_BY_HANDLE = {
  name: 'user-find-by-handle',
  text: `select ${userColumns('u')}, ${RELATIONSHIP} from users u where u.handle = $1`,
};

export interface FoundUser {
  row: UserRow;
  /** How the viewer stands to the user; undefined without a viewer. */
  relationship: Relationship | undefined;
}

/**
 * A user, and how the viewer stands to them, in one statement.
 * @param viewerId undefined when nobody is signed in
 * @throws OxoError USER_NOT_FOUND
 */
export async function findUser(db: Queryable, key: UserKey, viewerId?: string): Promise<FoundUser> {
  const [statement, value] = 'id' in key ? [FIND_BY_ID, key.id] : [FIND_BY_HANDLE, key.handle];
  const [row] = await db.query<UserRow & Relationship>(statement, [value, viewerId]);
  if (row === undefined) throw userNotFound();
  const relationship = { following: row.following, followedBy: row.followedBy };
  return { row, relationship: viewerId === undefined ? undefined : relationship };
}
