import { type Clock, MINUTE_MS, SECOND_MS } from '#kit/clock.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import { keyRotated } from '#kit/events/consumers/revocations.ts';
import { insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { newId } from '#kit/ids.ts';
import type { Logger } from '#kit/observability/logger.ts';
import { type AuditedCall, recordAudit } from '../audit/audit-log.ts';
import { BROADCAST_LIMIT_MS } from '../events.ts';
import { insertKey, LOCK_KEYS } from './key-rows.ts';
import type { KeyVault } from './key-vault.ts';
import { openKey, type SigningKeys } from './signing-keys.ts';
import { ACCESS_TOKEN_LIFETIME_MS } from './token-lifetimes.ts';

/**
 * A retired key verifies for longer than the last token that it signed: a replica that did not hear of the rotation signs with it
 * until it reads the keys again, once a minute.
 */
const RETIRED_MS = ACCESS_TOKEN_LIFETIME_MS + 5 * MINUTE_MS;

const READ = {
  name: 'keys-to-rotate',
  text: `select kid, state, private_key as "privateKey", created_at_ms::float8 as "createdAtMs",
      activated_at_ms::float8 as "activatedAtMs" from signing_keys
    where expires_at_ms is null or expires_at_ms > $1`,
};
const RETIRE = {
  name: 'key-retire',
  text: "update signing_keys set state = 'RETIRED', expires_at_ms = $1 where state = 'CURRENT'",
};
const DROP = { name: 'keys-drop', text: "delete from signing_keys where state <> 'NEXT'" };
const ACTIVATE = {
  name: 'key-activate',
  text: "update signing_keys set state = 'CURRENT', activated_at_ms = $2 where kid = $1",
};

interface KeyRow {
  kid: string;
  state: 'NEXT' | 'CURRENT' | 'RETIRED';
  privateKey: Buffer;
  createdAtMs: number;
  activatedAtMs: number | null;
}

export interface Rotated {
  /** False when the next key is too new: nothing has changed. */
  rotated: boolean;
  currentKid: string;
  /** When the key that comes next may sign. */
  nextReadyAtMs: number;
  /** Keys whose tokens are refused from now on. */
  droppedKids: string[];
}

export interface KeyRotation {
  /**
   * The next key signs, the present one only verifies, and another next one is published.
   * @param force the present key has leaked: the next one signs however new it is, and all that have signed are dropped
   * @returns also whether all processes that are connected have heard of it
   */
  rotate(options: { force: boolean }, context: AuditedCall): Promise<Rotated & { announced: boolean }>;
  /** How long a key signs before the schedule replaces it; undefined for no schedule. */
  rotateAfterMs: number | undefined;
  /** How often it is worth asking whether a rotation is due. */
  intervalMs: number;
  /** Rotates when the present key has signed for long enough, and the next one may. */
  rotateWhenDue(): Promise<void>;
}

/**
 * @param options.publishedForMs how long a key stands in the JWKS before it signs: longer than any cache of it
 * @param options.rotateAfterMs how long a key signs before the schedule replaces it; undefined for no schedule
 */
export function createKeyRotation(options: {
  db: Database;
  outbox: Outbox;
  vault: KeyVault;
  keys: Pick<SigningKeys, 'reload'>;
  denyList: DenyList;
  publishedForMs: number;
  rotateAfterMs: number | undefined;
  clock: Clock;
  logger: Logger;
}): KeyRotation {
  const { db, outbox, vault, keys, denyList, publishedForMs, rotateAfterMs, clock, logger } = options;

  async function change(tx: Transaction, rows: readonly KeyRow[], next: KeyRow, force: boolean): Promise<Rotated> {
    const nowMs = clock.nowMs();
    // What nobody can decrypt must not become the key that signs.
    await openKey(next, vault);
    await tx.query(force ? DROP : RETIRE, force ? [] : [nowMs + RETIRED_MS]);
    await tx.query(ACTIVATE, [next.kid, nowMs]);
    await insertKey(tx, vault, 'NEXT', nowMs);
    const droppedKids = force ? rows.filter(({ state }) => state !== 'NEXT').map(({ kid }) => kid) : [];
    return { rotated: true, currentKid: next.kid, nextReadyAtMs: nowMs + publishedForMs, droppedKids };
  }

  /** @param isWanted is asked with the key that signs, when nobody else can change it any more */
  async function rotate(force: boolean, isWanted: (current: KeyRow) => boolean, context: AuditedCall) {
    const result = await outbox.commit(
      [],
      (add) =>
        db.transaction(async (tx): Promise<Rotated> => {
          await tx.query(LOCK_KEYS);
          const rows = await tx.query<KeyRow>(READ, [clock.nowMs()]);
          const [current, next] = ['CURRENT', 'NEXT'].map((state) => rows.find((row) => row.state === state));
          if (current === undefined || next === undefined) throw new Error('There are no keys to rotate.');
          const nextReadyAtMs = next.createdAtMs + publishedForMs;
          if (!isWanted(current) || (!force && clock.nowMs() < nextReadyAtMs)) {
            return { rotated: false, currentKid: current.kid, nextReadyAtMs, droppedKids: [] };
          }
          const changed = await change(tx, rows, next, force);
          const event = { kid: changed.currentKid, droppedKids: changed.droppedKids, droppedSecretIds: [] };
          await insertEvent(tx, add(outbox.row(keyRotated, event, context)));
          const details = { dropped: changed.droppedKids.length };
          await recordAudit(tx, { action: 'ROTATE_SIGNING_KEYS', keyId: changed.currentKid, details }, context);
          return changed;
        }),
      () => undefined,
    );
    if (result.rotated) {
      await keys.reload();
      const { currentKid, droppedKids } = result;
      logger.info({ currentKid, droppedKids }, 'the signing keys were rotated');
    }
    return result;
  }

  return {
    rotateAfterMs,
    intervalMs: Math.min(MINUTE_MS, Math.max(SECOND_MS, publishedForMs)),
    async rotate({ force }, context) {
      const result = await rotate(force, () => true, context);
      // As with a sign-out: they are denied here when the event has come back by the broadcast that all processes hear.
      const heard = await Promise.all(result.droppedKids.map((kid) => denyList.whenDenied(kid, BROADCAST_LIMIT_MS)));
      for (const kid of result.droppedKids) denyList.deny(kid);
      return { ...result, announced: !heard.includes(false) };
    },
    async rotateWhenDue() {
      if (rotateAfterMs === undefined) return;
      const isDue = ({ activatedAtMs }: KeyRow) => (activatedAtMs ?? 0) + rotateAfterMs <= clock.nowMs();
      await rotate(false, isDue, { requestId: newId(clock.nowMs()) });
    },
  };
}
