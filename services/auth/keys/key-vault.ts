/** Keeps small secrets that lie in the database from those who can read the database. */
export interface KeyVault {
  /** @param name of the secret: what was encrypted under one name does not decrypt under another */
  encrypt(secret: Uint8Array, name: string): Promise<Buffer>;
  /** @throws KeyVaultError when it was not encrypted by this vault under this name */
  decrypt(encrypted: Uint8Array, name: string): Promise<Buffer>;
  /** The key-encryption key that `encrypt` uses now, looked up anew: the operator may have put in another. Not secret. */
  keyId(): Promise<string>;
  /** The key-encryption key that this was encrypted with; undefined when that cannot be told from it. */
  keyIdOf(encrypted: Uint8Array): string | undefined;
}

/** What was encrypted cannot be decrypted, or the vault itself cannot be used. Its message is for the operator. */
export class KeyVaultError extends Error {
  override name = 'KeyVaultError';
}

/** The name under which the private half of a signing key lies in the vault. */
export function vaultNameOf(kid: string): string {
  return `signing-key/${kid}`;
}

/** The name under which a data key lies in the vault. */
export function vaultNameOfDataKey(id: string): string {
  return `data-key/${id}`;
}
