import { createHash } from 'node:crypto';
import { type Clock, DAY_MS } from '#kit/clock.ts';
import { cleanUp, defineCleanUp } from '#kit/db/clean-up.ts';
import type { Database, Queryable, Transaction } from '#kit/db/database.ts';
import { invalidFields, OxoError } from '#kit/errors.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { MessageType } from '#kit/rpc/message.ts';

/** For a migration of a service that gets RPCs with the option `idempotency_key`. It never changes; see `outboxTableV1`. */
export const idempotencyTableV1 = `
  create table idempotency_keys (
    caller_id uuid not null,
    rpc text not null,
    key text not null,
    request_hash bytea not null,
    response bytea not null,
    created_at timestamptz not null,
    primary key (caller_id, rpc, key)
  );
  create index idempotency_keys_created_at on idempotency_keys (created_at);`;

const MAX_KEY_CHARACTERS = 255;
const KEEP_MS = DAY_MS;

/** So long a request waits for a twin that runs, before it is told to come again. */
const TWIN_WAIT_MS = 100;
/**
 * Takes the key before the work begins: whoever comes with the same one meets the row, also while it is not committed. A row that is
 * older than a key lives is as none. Values: caller, rpc, key, hash, now, the latest time of what is forgotten.
 */
const TAKE = {
  name: 'idempotency-take',
  text: `insert into idempotency_keys (caller_id, rpc, key, request_hash, response, created_at)
    select $1::uuid, $2::text, $3::text, $4::bytea, '', $5::timestamptz
      from set_config('lock_timeout', '${TWIN_WAIT_MS}', true) as limited where limited <> ''
    on conflict (caller_id, rpc, key) do update
      set request_hash = excluded.request_hash, response = '', created_at = excluded.created_at
      where idempotency_keys.created_at <= $6::timestamptz
    returning set_config('lock_timeout', '0', true)`,
};
const FIND = {
  name: 'idempotency-find',
  text: `select request_hash as "requestHash", response from idempotency_keys
    where caller_id = $1 and rpc = $2 and key = $3`,
};
const KEEP = {
  name: 'idempotency-keep',
  text: 'update idempotency_keys set response = $4 where caller_id = $1 and rpc = $2 and key = $3',
};
/** lock_not_available: what `lock_timeout` ends. */
const LOCK_TIMED_OUT = '55P03';
const CLEAN_UP = defineCleanUp({
  name: 'idempotency-clean-up',
  table: 'idempotency_keys',
  where: 'created_at < $1',
});

export interface IdempotentCall<Request, Response> {
  context: CallContext;
  /** As the handler understood it, with its defaults in place: what a repeated call has to match. */
  request: Request;
  requestType: MessageType<Request>;
  responseType: MessageType<Response>;
  /** Writes state and event. With a key it runs in a transaction, without one each of its statements stands alone. */
  work: (db: Queryable) => Promise<Response>;
}

export interface Idempotency {
  /**
   * Does the work once per Idempotency-Key: the response is kept in the transaction that did the work, and replayed.
   * @throws OxoError IDEMPOTENCY_KEY_REUSED when the key came with another body, IDEMPOTENCY_KEY_IN_USE while its twin runs
   */
  run<Request, Response>(call: IdempotentCall<Request, Response>): Promise<{ response: Response; replayed: boolean }>;
  /** Forgets keys older than 24 hours, in short statements. @returns how many */
  cleanUp(): Promise<number>;
}

/** Keeps the answers in the table `idempotency_keys` of the service; see `idempotencyTableV1`. */
export function createIdempotency(db: Database, clock: Clock): Idempotency {
  async function runWithKey<Request, Response>(tx: Transaction, key: string, call: IdempotentCall<Request, Response>) {
    const { context, request, requestType, responseType, work } = call;
    const owner = [requireViewer(context).userId, context.rpc, key];
    const hash = createHash('sha256').update(requestType.encode(request).finish()).digest();
    if (!(await takeKey(tx, owner, hash))) return replay(tx, owner, hash, responseType);
    const response = await work(tx);
    await tx.query(KEEP, [...owner, Buffer.from(responseType.encode(response).finish())]);
    return { response, replayed: false };
  }

  /** @returns whether it is this request's; or else it was used before @throws OxoError IDEMPOTENCY_KEY_IN_USE */
  async function takeKey(tx: Transaction, owner: string[], hash: Buffer): Promise<boolean> {
    const nowMs = clock.nowMs();
    try {
      return (await tx.query(TAKE, [...owner, hash, new Date(nowMs), new Date(nowMs - KEEP_MS)])).length > 0;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === LOCK_TIMED_OUT)) throw error;
      throw new OxoError('IDEMPOTENCY_KEY_IN_USE', 'A request with this Idempotency-Key is still running.', {
        cause: error,
        retryAfterMs: 1_000,
      });
    }
  }

  return {
    async run(call) {
      const key = call.context.metadata.get('idempotency-key');
      if (key === undefined) return { response: await call.work(db), replayed: false };
      if (key.length === 0 || key.length > MAX_KEY_CHARACTERS) {
        throw invalidFields([
          { field: 'Idempotency-Key', description: `must be 1 to ${MAX_KEY_CHARACTERS} characters` },
        ]);
      }
      return db.transaction((tx) => runWithKey(tx, key, call));
    },
    cleanUp: () => cleanUp(db, CLEAN_UP, [new Date(clock.nowMs() - KEEP_MS)]),
  };
}

/** What the same request was answered. */
async function replay<Response>(
  tx: Transaction,
  owner: string[],
  hash: Buffer,
  responseType: MessageType<Response>,
): Promise<{ response: Response; replayed: boolean }> {
  const [kept] = await tx.query<{ requestHash: Buffer; response: Buffer }>(FIND, owner);
  if (kept === undefined) throw new Error('An Idempotency-Key is gone that was just there.');
  if (!kept.requestHash.equals(hash)) {
    throw new OxoError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used with another body. Use a new one.');
  }
  return { response: responseType.decode(kept.response), replayed: true };
}
