import { randomBytes } from 'node:crypto';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The random 74 bits of so many ids are fetched from the kernel at once. */
const IDS_PER_REFILL = 256;
const RANDOM_BYTES_PER_ID = 10;

let pool = Buffer.alloc(0);
let used = 0;

function randomTail(): Buffer {
  if (used + RANDOM_BYTES_PER_ID > pool.length) {
    pool = randomBytes(IDS_PER_REFILL * RANDOM_BYTES_PER_ID);
    used = 0;
  }
  used += RANDOM_BYTES_PER_ID;
  return pool.subarray(used - RANDOM_BYTES_PER_ID, used);
}

/**
 * A new UUIDv7 (RFC 9562) of the given time. Ids of different milliseconds sort by time.
 * @param nowMs milliseconds since the epoch
 */
export function newId(nowMs: number): string {
  const tail = randomTail();
  tail[0] = ((tail[0] ?? 0) & 0x0f) | 0x70;
  tail[2] = ((tail[2] ?? 0) & 0x3f) | 0x80;
  const hex = nowMs.toString(16).padStart(12, '0') + tail.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** When a UUIDv7 was made, in milliseconds since the epoch. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Whether the text is an id in its one form: a lower-case UUID with hyphens. */
export function isId(text: string): boolean {
  return UUID.test(text);
}

/** The 16 bytes of an id, for keys and members where size matters. */
export function idToBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

/** The id that the 16 bytes at the offset stand for. */
export function idFromBytes(bytes: Buffer, offset = 0): string {
  const hex = bytes.toString('hex', offset, offset + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
