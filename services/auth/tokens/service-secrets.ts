import type { Database } from '#kit/db/database.ts';
import { unavailable } from '#kit/errors.ts';
import { keyRotated } from '#kit/events/consumers/revocations.ts';
import { insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { secretIdOf } from '#kit/identity/service-token.ts';
import { type AuditedCall, recordAudit } from '../audit/audit-log.ts';
import { BROADCAST_LIMIT_MS } from '../events.ts';
import type { SigningKeys } from '../keys/signing-keys.ts';

/** SHA-256 of the secrets of each service, by its name: two while one takes the other's place. */
export type SecretHashes = ReadonlyMap<string, readonly Buffer[]>;

/** @returns whether the secret with this id is one by which a service gets tokens */
export function countingSecrets(secretHashes: SecretHashes): (secretId: string) => boolean {
  const ids = new Set([...secretHashes.values()].flat().map(secretIdOf));
  return (secretId) => ids.has(secretId);
}

/**
 * Ends what was got by secrets that were replaced. Can be repeated.
 * @param replaced whose secrets, for the audit log
 * @throws OxoError UNAVAILABLE when not every process has heard of it in time. It is done all the same, and the event will come.
 */
export type DropSecrets = (
  secretIds: readonly string[],
  replaced: readonly string[],
  call: AuditedCall,
) => Promise<void>;

export function createDropSecrets(options: {
  db: Database;
  outbox: Outbox;
  denyList: DenyList;
  keys: Pick<SigningKeys, 'current'>;
}): DropSecrets {
  const { db, outbox, denyList, keys } = options;

  return async (secretIds, replaced, call) => {
    const event = { kid: keys.current().kid, droppedKids: [], droppedSecretIds: [...secretIds] };
    await outbox.commit(
      [],
      (add) =>
        db.transaction(async (tx) => {
          if (secretIds.length > 0) await insertEvent(tx, add(outbox.row(keyRotated, event, call)));
          await recordAudit(tx, { action: 'ROTATE_CREDENTIALS', details: { replaced: replaced.join(' ') } }, call);
        }),
      () => undefined,
    );
    const heard = await Promise.all(secretIds.map((id) => denyList.whenDenied(id, BROADCAST_LIMIT_MS)));
    if (heard.includes(false)) throw unavailable('It has not reached every service yet. Try again.');
  };
}
