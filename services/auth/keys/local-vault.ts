import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type KeyRing, parseKeyRing } from './key-ring.ts';
import { type KeyVault, KeyVaultError } from './key-vault.ts';

/** With the id of its key before the nonce; what has the version before it has none, and was encrypted by any of the keys. */
const VERSION = 2;
const VERSION_WITHOUT_ID = 1;
const ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Where the key-encryption keys are: in the environment itself, or in a file, as Kubernetes mounts it. */
export type KeySource = { key: string } | { file: string };

/**
 * A vault whose key-encryption keys this process holds (AES-256-GCM): the first encrypts, all decrypt. A file is read again before
 * anything is encrypted, and when a key is missing; the environment is what it was at the start.
 * @throws KeyVaultError when there is no such file or it does not hold keys
 */
export async function openLocalVault(source: KeySource): Promise<KeyVault> {
  let ring = await readRing(source);

  async function refresh(): Promise<KeyRing> {
    if ('file' in source) ring = await readRing(source);
    return ring;
  }

  return {
    async encrypt(secret, name) {
      const { first, keys } = await refresh();
      return seal(secret, name, first, keys.get(first) ?? Buffer.alloc(0));
    },
    async decrypt(encrypted, name) {
      const bytes = Buffer.from(encrypted);
      if (bytes[0] === VERSION_WITHOUT_ID) return openByAny(bytes, name, ring);
      const id = idOf(bytes);
      if (id === undefined) throw new KeyVaultError('not encrypted by this vault');
      const key = ring.keys.get(id) ?? (await refresh()).keys.get(id);
      if (key === undefined) throw new KeyVaultError(`encrypted with the key-encryption key ${id}, which is not here`);
      return open(bytes, 1 + ID_BYTES, key, Buffer.from(`${id}${name}`));
    },
    keyId: async () => (await refresh()).first,
    keyIdOf: (encrypted) => idOf(Buffer.from(encrypted)),
  };
}

async function readRing(source: KeySource): Promise<KeyRing> {
  if ('key' in source) return parseKeyRing(source.key, 'KEY_ENCRYPTION_KEY');
  const text = await readFile(source.file, 'utf8').catch((cause: unknown) => {
    throw new KeyVaultError('KEY_ENCRYPTION_KEY_FILE: the file cannot be read', { cause });
  });
  return parseKeyRing(text, 'KEY_ENCRYPTION_KEY_FILE');
}

function idOf(bytes: Buffer): string | undefined {
  if (bytes[0] !== VERSION || bytes.length < 1 + ID_BYTES) return undefined;
  return bytes.subarray(1, 1 + ID_BYTES).toString('hex');
}

/** Version, id of the key, nonce, tag, then as many bytes as the secret has. Id and name are authenticated with them. */
function seal(secret: Uint8Array, name: string, id: string, key: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(`${id}${name}`));
  const body = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), Buffer.from(id, 'hex'), nonce, cipher.getAuthTag(), body]);
}

/** @param offset of the nonce */
function open(bytes: Buffer, offset: number, key: Buffer, authenticated: Buffer): Buffer {
  const [tagOffset, bodyOffset] = [offset + NONCE_BYTES, offset + NONCE_BYTES + TAG_BYTES];
  if (bytes.length < bodyOffset) throw new KeyVaultError('not encrypted by this vault');
  const nonce = bytes.subarray(offset, tagOffset);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(authenticated).setAuthTag(bytes.subarray(tagOffset, bodyOffset));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(bodyOffset)), decipher.final()]);
  } catch (cause) {
    throw new KeyVaultError('encrypted with another key, under another name, or changed since', { cause });
  }
}

function openByAny(bytes: Buffer, name: string, { keys }: KeyRing): Buffer {
  let failure: unknown;
  for (const key of keys.values()) {
    try {
      return open(bytes, 1, key, Buffer.from(name));
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
