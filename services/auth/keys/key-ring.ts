import { createHash } from 'node:crypto';
import { KeyVaultError } from './key-vault.ts';

const KEY_BYTES = 32;
/** One that encrypts and some that are on their way out; more are a mistake. */
const MAX_KEYS = 8;
const BASE64_KEY = /^[A-Za-z0-9+/]{43}=$/;

/** Key-encryption keys by their ids. */
export interface KeyRing {
  /** Id of the key that encrypts: the first. */
  first: string;
  keys: ReadonlyMap<string, Buffer>;
}

/**
 * Keys of 32 bytes in base64, the one that encrypts first, separated by commas or lines.
 * @throws KeyVaultError that names the setting and never a key
 */
export function parseKeyRing(text: string, setting: string): KeyRing {
  const problem = keyRingProblem(text);
  if (problem !== undefined) throw new KeyVaultError(`${setting}: ${problem}`);
  const keys = entriesOf(text).map((entry) => Buffer.from(entry, 'base64'));
  return { first: keyIdOf(keys[0] ?? Buffer.alloc(0)), keys: new Map(keys.map((key) => [keyIdOf(key), key])) };
}

/** What is wrong with a text that should hold keys; undefined when nothing is. */
export function keyRingProblem(text: string): string | undefined {
  const entries = entriesOf(text);
  const areKeys = entries.every((entry) => BASE64_KEY.test(entry) && Buffer.from(entry, 'base64').length === KEY_BYTES);
  if (entries.length === 0 || !areKeys) return 'must be 32 bytes in base64, or several such keys while one is replaced';
  if (entries.length > MAX_KEYS) return `must be at most ${MAX_KEYS} keys`;
  return new Set(entries).size < entries.length ? 'must not have a key twice' : undefined;
}

/**
 * Names a key without telling it: 16 hexadecimal digits. It follows from the key, so that nobody can give one key two names, or two
 * keys one.
 */
function keyIdOf(key: Buffer): string {
  return createHash('sha256').update('oxo key-encryption key\0').update(key).digest('hex').slice(0, 16);
}

function entriesOf(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
