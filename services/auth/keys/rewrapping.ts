import type { Database } from '#kit/db/database.ts';
import type { Logger } from '#kit/observability/logger.ts';
import { LOCK_KEYS } from './key-rows.ts';
import { type KeyVault, vaultNameOf } from './key-vault.ts';

const LIST = {
  name: 'keys-to-rewrap',
  text: 'select kid, private_key as "privateKey" from signing_keys order by created_at_ms limit 1000',
};
const REPLACE = { name: 'key-rewrap', text: 'update signing_keys set private_key = $2 where kid = $1' };

interface KeyRow {
  kid: string;
  privateKey: Buffer;
}

export interface Rewrapped {
  /** The key-encryption key that encrypts now. */
  keyId: string;
  /** How many private keys were encrypted with another, and are encrypted with this one now. */
  rewrapped: number;
  /** Those that cannot be decrypted, and stay as they were. */
  leftKids: string[];
}

export interface Rewrapping {
  /**
   * Encrypts every private key with the key-encryption key that encrypts now. All or nothing, and can be repeated. When none is left,
   * nothing here needs the former key any more: whoever makes a signing key looks up the present one behind the same lock.
   */
  rewrap(): Promise<Rewrapped>;
  /**
   * The same by itself, but for what does not name its key: that was encrypted by a version from before keys had names, which may
   * still run beside this one and could not read it.
   */
  rewrapWhenDue(): Promise<void>;
}

export function createRewrapping(options: { db: Database; vault: KeyVault; logger: Logger }): Rewrapping {
  const { db, vault, logger } = options;

  async function rewrapOne({ kid, privateKey }: KeyRow): Promise<Buffer | undefined> {
    try {
      return await vault.encrypt(await vault.decrypt(privateKey, vaultNameOf(kid)), vaultNameOf(kid));
    } catch (error) {
      logger.error({ kid, err: error }, 'a signing key cannot be encrypted anew');
      return undefined;
    }
  }

  async function rewrapAll(isDue: (keyId: string | undefined) => boolean): Promise<Rewrapped> {
    const result = await db.transaction(async (tx): Promise<Rewrapped> => {
      await tx.query(LOCK_KEYS);
      const keyId = await vault.keyId();
      const leftKids: string[] = [];
      let rewrapped = 0;
      for (const row of await tx.query<KeyRow>(LIST)) {
        const itsKeyId = vault.keyIdOf(row.privateKey);
        if (itsKeyId === keyId || !isDue(itsKeyId)) continue;
        const encrypted = await rewrapOne(row);
        // The operator may have put in another meanwhile.
        if (encrypted === undefined || vault.keyIdOf(encrypted) !== keyId) leftKids.push(row.kid);
        else {
          await tx.query(REPLACE, [row.kid, encrypted]);
          rewrapped += 1;
        }
      }
      return { keyId, rewrapped, leftKids };
    });
    if (result.rewrapped > 0) logger.info(result, 'the signing keys are encrypted with another key-encryption key');
    return result;
  }

  return {
    rewrap: () => rewrapAll(() => true),
    async rewrapWhenDue() {
      await rewrapAll((keyId) => keyId !== undefined);
    },
  };
}
