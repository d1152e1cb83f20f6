import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import { cleanUp } from '#kit/db/clean-up.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import { OxoError } from '#kit/errors.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { newId } from '#kit/ids.ts';
import { type AuditedCall, recordAudit } from '../audit/audit-log.ts';
import type { CountedAudit } from '../audit/counted.ts';
import { changeAccount, lockOwner } from '../sessions/account-lock.ts';
import type { EndedKey } from '../sessions/key-sessions.ts';
import { createRevoking, REVOKED_KEPT_MS } from '../sessions/revoking.ts';
import { type KeyParts, type KeyText, newSecret } from './key-text.ts';
import type { SecretHashes } from './secret-hashes.ts';
import * as sql from './statements.ts';

/** How exactly it is known when a key was used last. */
const TOUCH_EVERY_MS = MINUTE_MS;

/** A key with the text that proves it, which nobody can make again. */
export interface IssuedKey {
  key: sql.ListedKey;
  secret: string;
}

/** Whom a key stands for, now. */
export interface FoundKey {
  accountId: string;
  scopes: string[];
  /** When the key ends, or this secret of it, in milliseconds since the epoch. */
  expiresAtMs: number;
}

type Owned = { id: string; accountId: string };

export interface ApiKeys {
  /** @throws OxoError API_KEY_LIMIT_REACHED, or SESSION_REVOKED as `lockOwner` */
  create(
    key: { accountId: string; sessionId: string; name: string; scopes: string[]; expiresAtMs: number },
    context: AuditedCall,
  ): Promise<IssuedKey>;
  /** Those that work, the newest first. */
  list(accountId: string): Promise<sql.ListedKey[]>;
  /**
   * Gives the key another secret. The others work for the overlap, or for as long as they were promised before; without an overlap they are
   * refused everywhere when this is done.
   * @param options.overlapMs 0: none
   * @param options.expiresAtMs undefined: as it was
   * @returns undefined when the account has no such key
   * @throws OxoError API_KEY_LIMIT_REACHED when too many secrets of it work; SESSION_REVOKED as `lockOwner`; UNAVAILABLE as `revoke`
   */
  rotate(
    key: Owned & { sessionId: string },
    options: { overlapMs: number; expiresAtMs: number | undefined },
    context: AuditedCall,
  ): Promise<IssuedKey | undefined>;
  /**
   * Ends a key; when it is done, it is refused everywhere. Repeated within a day it does the same again.
   * @returns false when the account has no such key
   * @throws OxoError UNAVAILABLE when it is not known yet that all services have heard of it; it is done all the same
   */
  revoke(key: Owned, context: AuditedCall): Promise<boolean>;
  /** Reads the key and compares its secret. @returns undefined when it is not one that works. @throws OxoError UNAVAILABLE */
  find(parts: KeyParts): Promise<FoundKey | undefined>;
  /** Notes that the key is used now, once a minute at most. */
  touch(id: string): Promise<void>;
  /** Deletes expired keys, in short statements. @returns how many */
  cleanUp(): Promise<number>;
}

export interface ApiKeysOptions {
  db: Database;
  outbox: Outbox;
  denyList: DenyList;
  keyText: KeyText;
  hashes: SecretHashes;
  counted: Pick<CountedAudit, 'record'>;
  clock: Clock;
}

export function createApiKeys(options: ApiKeysOptions): ApiKeys {
  const { db, keyText, hashes, counted, clock } = options;
  const revoking = createRevoking(options);

  /** The generations that work. */
  async function living(tx: Transaction, keyId: string): Promise<number[]> {
    const rows = await tx.query<{ generation: number }>(sql.LIVING_SECRETS, [keyId, clock.nowMs()]);
    return rows.map(({ generation }) => generation);
  }

  /** @returns those that have ended */
  async function endOthers(tx: Transaction, keyId: string, overlapMs: number): Promise<number[]> {
    const others = await living(tx, keyId);
    if (overlapMs === 0) {
      await tx.query(sql.DELETE_SECRETS, [keyId]);
      return others;
    }
    if (others.length >= sql.MAX_SECRETS_PER_KEY) throw tooManySecrets();
    await tx.query(sql.DELETE_ENDED_SECRETS, [keyId, clock.nowMs()]);
    await tx.query(sql.END_SECRETS, [keyId, clock.nowMs() + overlapMs]);
    return [];
  }

  return {
    async create({ accountId, sessionId, name, scopes, expiresAtMs }, context) {
      const secret = newSecret();
      const hash = await hashes.hash(secret);
      const nowMs = clock.nowMs();
      const id = newId(nowMs);
      await changeAccount(options, { userId: accountId, sessionId }, async (tx) => {
        const [row] = await tx.query<{ count: number }>(sql.COUNT, [accountId, nowMs]);
        if ((row?.count ?? 0) >= sql.MAX_KEYS_PER_ACCOUNT) throw tooManyKeys();
        await tx.query(sql.INSERT, [id, accountId, name, scopes, nowMs, expiresAtMs]);
        await tx.query(sql.INSERT_SECRET, [id, 1, hash]);
        const details = { scopes: scopes.join(' ') };
        await recordAudit(tx, { action: 'CREATE_API_KEY', accountId, keyId: id, details }, context);
      });
      const key = { id, name, scopes, createdAtMs: nowMs, expiresAtMs, lastUsedAtMs: null, rotatedAtMs: null };
      return { key, secret: keyText.encode({ keyId: id, generation: 1, secret }) };
    },
    list: (accountId) => db.query<sql.ListedKey>(sql.LIST, [accountId, clock.nowMs()]),
    async rotate({ id, accountId, sessionId }, { overlapMs, expiresAtMs }, context) {
      const secret = newSecret();
      const hash = await hashes.hash(secret);
      const { issued } = await revoking.everywhere(async (tx) => {
        const nowMs = clock.nowMs();
        await lockOwner(tx, { userId: accountId, sessionId }, nowMs);
        const [row] = await tx.query<{ generation: number }>(sql.LOCK, [id, accountId, nowMs]);
        if (row === undefined) return { issued: undefined };
        const generations = await endOthers(tx, id, overlapMs);
        const generation = row.generation + 1;
        await tx.query(sql.INSERT_SECRET, [id, generation, hash]);
        const [key] = await tx.query<sql.ListedKey>(sql.ROTATE, [id, generation, nowMs, expiresAtMs]);
        if (key === undefined) throw new Error('A key that is locked has gone.');
        await recordAudit(tx, { action: 'ROTATE_API_KEY', accountId, keyId: id }, context);
        const text = keyText.encode({ keyId: id, generation, secret });
        return { issued: { key, secret: text }, endedKeys: [{ id, accountId, generations }] };
      }, context);
      return issued;
    },
    async revoke({ id, accountId }, context) {
      const nowMs = clock.nowMs();
      const { endedKeys } = await revoking.everywhere(async (tx) => {
        const values = [id, accountId, nowMs, nowMs + REVOKED_KEPT_MS];
        if ((await tx.query(sql.REVOKE, values)).length === 0) return { endedKeys: [] };
        await counted.record(tx, { action: 'REVOKE_API_KEY', accountId, keyId: id }, context);
        return { endedKeys: [{ id, accountId, generations: await living(tx, id) }] };
      }, context);
      return endedKeys.length > 0;
    },
    async find({ keyId, generation, secret }) {
      const [row] = await db.query<FoundKey & { hash: string }>(sql.FIND, [keyId, generation, clock.nowMs()]);
      if (row === undefined) return undefined;
      const { hash, ...found } = row;
      return (await hashes.verify(hash, secret)) ? found : undefined;
    },
    async touch(id) {
      const nowMs = clock.nowMs();
      await db.query(sql.TOUCH, [id, nowMs, nowMs - TOUCH_EVERY_MS]);
    },
    cleanUp: () => cleanUp(db, sql.CLEAN_UP, [clock.nowMs()]),
  };
}

/** Deletes all keys of an account. @returns what has to be refused everywhere */
export async function endKeysOf(tx: Transaction, accountId: string): Promise<EndedKey[]> {
  await tx.query(sql.LOCK_ALL, [accountId]);
  return tx.query<EndedKey>(sql.DELETE_OF_ACCOUNT, [accountId]);
}

function tooManyKeys(): OxoError {
  return new OxoError(
    'API_KEY_LIMIT_REACHED',
    `You have ${sql.MAX_KEYS_PER_ACCOUNT} API keys already. Revoke one that is not needed any more.`,
  );
}

function tooManySecrets(): OxoError {
  return new OxoError(
    'API_KEY_LIMIT_REACHED',
    `${sql.MAX_SECRETS_PER_KEY} secrets of this key work already. Wait until one has ended, or rotate without overlap.`,
  );
}
