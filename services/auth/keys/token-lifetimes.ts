import { MINUTE_MS } from '#kit/clock.ts';

/** How long the JWTs live that the keys sign: a key that was retired verifies for longer than the longest. */
export const ACCESS_TOKEN_LIFETIME_MS = 15 * MINUTE_MS;
export const SERVICE_TOKEN_LIFETIME_MS = 5 * MINUTE_MS;
export const EXCHANGED_TOKEN_LIFETIME_MS = 5 * MINUTE_MS;
