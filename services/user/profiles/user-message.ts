import { type Relationship, type User, UserSummary } from '#gen/oxo/user/v1/user.ts';

/** What USER_COLUMNS give of a user. */
export interface UserRow {
  id: string;
  handle: string;
  display_name: string;
  bio: string;
  links: string[];
  location: string;
  locale: string;
  followers_count: number;
  following_count: number;
  created_at_ms: number;
  /** Outbox id of the last event about this profile. */
  version: number;
}

/** The columns of UserRow, for statements that call the table users `u`. Numbers of 64 bits become JavaScript numbers. */
export const USER_COLUMNS = `u.id, u.handle, u.display_name, u.bio, u.links, u.location, u.locale,
  (select coalesce(sum(c.followers), 0)::integer from follower_counts c where c.user_id = u.id) as followers_count,
  u.following_count, u.created_at_ms::float8, u.version::float8`;

/** The contract's User of a row. @param relationship of the caller, when somebody is signed in */
export function userMessage(row: UserRow, relationship?: Relationship): User {
  return {
    id: row.id,
    handle: row.handle,
    displayName: row.display_name,
    bio: row.bio,
    links: row.links,
    location: row.location,
    locale: row.locale,
    followersCount: row.followers_count,
    followingCount: row.following_count,
    createdAt: new Date(row.created_at_ms),
    relationship,
  };
}

/** What is shown of a user beside what they wrote, and the version of the profile that it is taken from. */
export type SummaryRow = Pick<UserRow, 'id' | 'handle' | 'display_name' | 'version'>;

export function summaryMessage(row: SummaryRow): UserSummary {
  return { id: row.id, handle: row.handle, displayName: row.display_name };
}

/** The summary as the read model holds it. */
export function encodeForReadModel(row: SummaryRow): Uint8Array {
  return UserSummary.encode(summaryMessage(row)).finish();
}
