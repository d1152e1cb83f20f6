import { AccountDisabled, ApiKeyRevoked, KeyRotated, SessionRevoked } from '#gen/oxo/auth/v1/auth_events.ts';
import { type EventHandler, on } from '#kit/events/consumers/handlers.ts';
import { defineEvent } from '#kit/events/envelope.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';

/** A session ended; heard by every process. */
export const sessionRevoked = defineEvent('session.revoked', SessionRevoked);

/** An account ended; heard by every process. */
export const accountDisabled = defineEvent('account.disabled', AccountDisabled);

/** An API key ended, or a secret of it; heard by every process. */
export const apiKeyRevoked = defineEvent('api_key.revoked', ApiKeyRevoked);

/** Another key signs, or keys or secrets of services have leaked; heard by every process. */
export const keyRotated = defineEvent('key.rotated', KeyRotated);

/**
 * Refuses the tokens of sessions, API keys and accounts that ended, and of signing keys and secrets that leaked.
 * @param reloadKeys fetches the public keys again; a failure is left to the next token with an unknown key
 */
export function revocationHandlers(denyList: DenyList, reloadKeys: () => Promise<void>): EventHandler[] {
  return [
    on(sessionRevoked, ({ sessionId }) => denyList.deny(sessionId)),
    on(accountDisabled, ({ userId }) => denyList.deny(userId)),
    on(apiKeyRevoked, ({ sessionIds }) => {
      for (const id of sessionIds) denyList.deny(id);
    }),
    on(keyRotated, ({ droppedKids, droppedSecretIds }) => {
      for (const id of [...droppedKids, ...droppedSecretIds]) denyList.deny(id);
      // Not waited for: the next revocation must not come later because auth is slow.
      reloadKeys().catch(() => undefined);
    }),
  ];
}
