import { SECOND_MS } from '#kit/clock.ts';

/** Two tabs, or an answer that was lost: so long after its first use a refresh token gives its successor once more. */
export const REFRESH_GRACE_MS = 10 * SECOND_MS;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long what the provider issues lives, in seconds, by the provider's names. */
export const LIFETIMES_SECONDS = {
  AccessToken: HOUR,
  AuthorizationCode: MINUTE,
  ClientCredentials: 10 * MINUTE,
  DeviceCode: 10 * MINUTE,
  IdToken: HOUR,
  /**
   * From the request of a client until the person has signed in and consented. Anybody can make as many as their network may where nobody has
   * signed in.
   */
  Interaction: (_: unknown, { session }: { session?: { accountId?: string } }) =>
    session?.accountId === undefined ? 15 * MINUTE : 30 * MINUTE,
  /** Since it was used last: each use gives another one. */
  RefreshToken: 30 * DAY,
  /** A browser, since it was used last. One in which nobody has signed in is forgotten soon: anybody can make as many as they like. */
  Session: (_: unknown, { accountId }: { accountId?: string }) => (accountId === undefined ? 10 * MINUTE : 14 * DAY),
  /** Nothing that a person has granted lives longer, however often it is refreshed. */
  Grant: 365 * DAY,
} as const;
