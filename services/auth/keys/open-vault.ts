import type { Clock } from '#kit/clock.ts';
import type { KeyVault } from './key-vault.ts';
import { type KeySource, openLocalVault } from './local-vault.ts';
import { openTransitVault } from './transit-vault.ts';
import { openVaultHttp } from './vault-http.ts';
import { createVaultTokens, type VaultLogin } from './vault-token.ts';

/** One call, of which there are at most three; a database transaction waits for them. */
const TIMEOUT_MS = 3_000;

/** Who keeps the key-encryption keys. */
export type Custody =
  | { local: KeySource }
  | { transit: TransitSource; local?: KeySource; encryptsBy: 'local' | 'transit' };

export interface TransitSource {
  address: string;
  namespace: string | undefined;
  caFile: string | undefined;
  mount: string;
  key: string;
  login: VaultLogin;
}

/**
 * The vault of the settings. Where there are two, one encrypts and both decrypt: so signing keys move from one to the other by being
 * encrypted anew.
 * @throws KeyVaultError for the operator
 */
export async function openKeyVault(custody: Custody, clock: Clock): Promise<KeyVault> {
  if (!('transit' in custody)) return openLocalVault(custody.local);
  const transit = await openTransit(custody.transit, clock);
  if (custody.local === undefined) return transit;
  const local = await openLocalVault(custody.local);
  const first = custody.encryptsBy === 'transit' ? transit : local;
  return {
    encrypt: first.encrypt,
    // What did not come from Vault was encrypted here, also before its key had an id.
    decrypt: (encrypted, name) => (transit.keyIdOf(encrypted) === undefined ? local : transit).decrypt(encrypted, name),
    keyId: first.keyId,
    keyIdOf: (encrypted) => transit.keyIdOf(encrypted) ?? local.keyIdOf(encrypted),
  };
}

async function openTransit(source: TransitSource, clock: Clock): Promise<KeyVault> {
  const http = await openVaultHttp({ ...source, timeoutMs: TIMEOUT_MS });
  return openTransitVault({ ...source, http, tokens: createVaultTokens({ http, login: source.login, clock }) });
}
