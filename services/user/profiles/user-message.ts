import { type Relationship, type User, UserSummary } from '#gen/oxo/user/v1/user.ts';
import { etagOf } from '#kit/etag.ts';
import type { SummaryRow, UserRow } from '../entities/user-entity.ts';

/** Names the state of a profile that is written: a row whose version is known. Follows do not change it. */
export function profileEtag({ id, version }: Pick<UserRow, 'id' | 'version'>): string {
  return etagOf(id, version);
}

/** The contract's User of a row. @param relationship of the caller, when somebody is signed in */
export function userMessage(row: UserRow, relationship?: Relationship): User {
  return {
    id: row.id,
    handle: row.handle,
    displayName: row.displayName,
    bio: row.bio,
    links: row.links,
    location: row.location,
    locale: row.locale,
    followersCount: row.followersCount,
    followingCount: row.followingCount,
    createdAt: new Date(row.createdAtMs),
    relationship,
    etag: profileEtag(row),
  };
}

/** The profile as events tell it: without the etag of the version that it gets by being written. */
export function eventUser(row: UserRow): User {
  return { ...userMessage(row), etag: '' };
}

/** The contract's UserSummary of a row. */
export function summaryMessage(row: SummaryRow): UserSummary {
  return { id: row.id, handle: row.handle, displayName: row.displayName };
}

/** The summary as the read model holds it. */
export function encodeForReadModel(row: SummaryRow): Uint8Array {
  return UserSummary.encode(summaryMessage(row)).finish();
}
