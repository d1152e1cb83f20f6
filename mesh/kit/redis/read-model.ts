import { MINUTE_MS } from '#kit/clock.ts';
import { defineScript, type Redis } from '#kit/redis/redis.ts';

/** A delete leaves a tombstone for this long, longer than any fill that read the row before can be on its way. */
const TOMBSTONE_MS = MINUTE_MS;
/** A record is the version in 16 digits, then its kind, then the payload. */
const VERSION_DIGITS = 16;
const KIND_PRESENT = 'P';
const KIND_DELETED = 'D';
const HEADER_BYTES = VERSION_DIGITS + 1;

/** Sets a record unless a newer one is there. Keys: the record. Arguments: version, record, lifetime in ms. */
const SET_IF_NEWER = defineScript(
  'set-if-newer',
  `local held = redis.call('GETRANGE', KEYS[1], 0, ${VERSION_DIGITS - 1})
   if held ~= '' and tonumber(held) > tonumber(ARGV[1]) then return 0 end
   redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
   return 1`,
);

/** What Redis says of one id: its payload, that it is deleted, or nothing. */
export type Found = Buffer | 'deleted' | undefined;

/**
 * The present encoding of the things that one service owns, for every service to read without an RPC.
 * Only the owner writes: the newer version wins, whatever the order in which writes and fills arrive.
 */
export interface ReadModel {
  /** In the order of the ids; one round trip. @throws OxoError UNAVAILABLE when Redis is away */
  getMany(ids: readonly string[]): Promise<Found[]>;
  /** Writes what is true as of this version. */
  put(id: string, version: number, payload: Uint8Array): Promise<void>;
  /** Says that it is deleted as of this version. */
  bury(id: string, version: number): Promise<void>;
}

/**
 * @param options.prefix first part of the keys; only the owner may write them
 * @param options.ttlMs how long a record stays when nobody writes it
 */
export function createReadModel(redis: Redis, options: { prefix: string; ttlMs: number }): ReadModel {
  const { prefix, ttlMs } = options;

  async function write(
    id: string,
    version: number,
    kind: string,
    payload: Uint8Array,
    lifetimeMs: number,
  ): Promise<void> {
    const header = String(version).padStart(VERSION_DIGITS, '0') + kind;
    const record = Buffer.concat([Buffer.from(header, 'latin1'), payload]);
    await redis.run(SET_IF_NEWER, [redis.key(prefix, id)], [version, record, lifetimeMs]);
  }

  return {
    async getMany(ids) {
      const records = await redis.getMany(ids.map((id) => redis.key(prefix, id)));
      return records.map(parseRecord);
    },
    put: (id, version, payload) => write(id, version, KIND_PRESENT, payload, ttlMs),
    bury: (id, version) => write(id, version, KIND_DELETED, new Uint8Array(), TOMBSTONE_MS),
  };
}

/** What a record says. For readers that fetch several kinds of keys in one round trip. */
export function parseRecord(record: Buffer | null | undefined): Found {
  if (record == null || record.length < HEADER_BYTES) return undefined;
  return record[VERSION_DIGITS] === KIND_PRESENT.charCodeAt(0) ? record.subarray(HEADER_BYTES) : 'deleted';
}
