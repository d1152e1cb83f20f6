import { AccountDisabled, ApiKeyRevoked, KeyRotated, SessionRevoked } from '#gen/oxo/auth/v1/auth_events.ts';
import { accountDisabled, apiKeyRevoked, keyRotated, sessionRevoked } from '#kit/events/consumers/revocations.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import type { StoredEvent } from '#kit/testing/outbox.ts';

export interface TestBroadcast {
  /** What the relay, NATS and the consumer of revocations do in a real service, when something is committed. */
  committed(): void;
  /** Whether what is committed is told to nobody, as when NATS is away. */
  holdBroadcast(isHeld: boolean): Promise<void>;
}

export function createTestBroadcast(events: () => Promise<StoredEvent[]>, denyList: DenyList): TestBroadcast {
  let isHeld = false;
  async function broadcast(): Promise<void> {
    for (const event of await events()) for (const id of refusedBy(event)) denyList.deny(id);
  }
  return {
    committed() {
      // A test that ends closes the database under it.
      if (!isHeld) broadcast().catch(() => undefined);
    },
    async holdBroadcast(held) {
      isHeld = held;
      if (!held) await broadcast();
    },
  };
}

/** What every process refuses from the event on. */
function refusedBy({ subject, payload }: StoredEvent): string[] {
  if (subject === sessionRevoked.subject) return [SessionRevoked.decode(payload).sessionId];
  if (subject === apiKeyRevoked.subject) return ApiKeyRevoked.decode(payload).sessionIds;
  if (subject === accountDisabled.subject) return [AccountDisabled.decode(payload).userId];
  if (subject !== keyRotated.subject) return [];
  const { droppedKids, droppedSecretIds } = KeyRotated.decode(payload);
  return [...droppedKids, ...droppedSecretIds];
}
