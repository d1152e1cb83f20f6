import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type KeyVault, KeyVaultError } from './key-vault.ts';

const KEY_BYTES = 32;
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BASE64_KEY = /^[A-Za-z0-9+/]{43}=$/;

/** Where the key-encryption key is: in the environment itself, or in a file, as Kubernetes mounts it. */
export type KeySource = { key: string } | { file: string };

/**
 * A vault whose key-encryption key this process holds (AES-256-GCM).
 * @throws KeyVaultError when there is no such file or it does not hold a key
 */
export async function openLocalVault(source: KeySource): Promise<KeyVault> {
  if ('key' in source) return createLocalVault(parseKey(source.key, 'KEY_ENCRYPTION_KEY'));
  const text = await readFile(source.file, 'utf8').catch((cause: unknown) => {
    throw new KeyVaultError('KEY_ENCRYPTION_KEY_FILE: the file cannot be read', { cause });
  });
  return createLocalVault(parseKey(text.trim(), 'KEY_ENCRYPTION_KEY_FILE'));
}

/** Whether the text is a key: 32 bytes in base64. */
export function isKey(text: string): boolean {
  return BASE64_KEY.test(text) && Buffer.from(text, 'base64').length === KEY_BYTES;
}

function parseKey(text: string, setting: string): Buffer {
  if (!isKey(text)) throw new KeyVaultError(`${setting}: must be 32 bytes in base64`);
  return Buffer.from(text, 'base64');
}

/** Encrypted: version, nonce, tag, then as many bytes as the secret has. The name is authenticated with them. */
function createLocalVault(key: Buffer): KeyVault {
  return {
    async encrypt(secret, name) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(name));
      const body = Buffer.concat([cipher.update(secret), cipher.final()]);
      return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body]);
    },
    async decrypt(encrypted, name) {
      const bytes = Buffer.from(encrypted);
      const bodyOffset = 1 + NONCE_BYTES + TAG_BYTES;
      if (bytes[0] !== VERSION || bytes.length < bodyOffset) throw new KeyVaultError('not encrypted by this vault');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(1 + NONCE_BYTES, bodyOffset));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(bodyOffset)), decipher.final()]);
      } catch (cause) {
        throw new KeyVaultError('encrypted with another key, under another name, or changed since', { cause });
      }
    },
  };
}
