/** The slots of a Redis Cluster: which a key belongs to. */
export const SLOTS = 16_384;

const POLYNOMIAL = 0x1021;
/** CRC16 (XMODEM) of each byte. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
  return crc;
});

/** Of an id, which stands in braces in the names of its keys. ASCII only. */
export function slotOfId(id: string): number {
  let crc = 0;
  for (let index = 0; index < id.length; index += 1) {
    crc = ((crc << 8) ^ (TABLE[((crc >> 8) ^ id.charCodeAt(index)) & 0xff] ?? 0)) & 0xffff;
  }
  return crc % SLOTS;
}

/** Of a key that `Redis.key` has named. */
export function slotOfKey(key: string): number {
  return slotOfId(key.slice(key.lastIndexOf('{') + 1, -1));
}
