import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { type KeyVault, KeyVaultError } from './key-vault.ts';
import type { VaultHttp, VaultResponse } from './vault-http.ts';
import { type VaultTokens, vaultErrors } from './vault-token.ts';

/** What a transit vault gives begins with it, so that it is told from what a local vault gives. */
const VERSION = 3;
const CIPHERTEXT = /^vault:v([1-9]\d{0,8}):([A-Za-z0-9+/]+={0,2})$/;
/** Kinds of keys whose encryption is bound to the name of the secret. */
const BINDING_TYPES = ['aes128-gcm96', 'aes256-gcm96', 'chacha20-poly1305', 'xchacha20-poly1305'];
/** Vault is away, sealed, a standby without its leader, or has too much to do; 412: a replica that is not up to date. */
const PASSING_STATUSES = [412, 429, 472, 473, 500, 502, 503, 504];
const TRIES = 3;
const FIRST_WAIT_MS = 100;

const keySchema = z.object({ data: z.object({ type: z.string(), latest_version: z.number().int().positive() }) });
const encryptedSchema = z.object({ data: z.object({ ciphertext: z.string().regex(CIPHERTEXT) }) });
const decryptedSchema = z.object({ data: z.object({ plaintext: z.string() }) });

export interface TransitOptions {
  http: VaultHttp;
  tokens: VaultTokens;
  /** Where the secrets engine is mounted: `transit`. */
  mount: string;
  /** Name of its key. */
  key: string;
}

/**
 * A vault whose key-encryption keys never leave HashiCorp Vault (or OpenBao), by its transit secrets engine. The name of a secret is
 * the associated data of its encryption. The policy that it needs: update on encrypt/<key> and decrypt/<key>, read on keys/<key>.
 * @throws KeyVaultError when Vault does not answer, refuses, or the key cannot be used for this
 */
export async function openTransitVault(options: TransitOptions): Promise<KeyVault> {
  const { mount, key } = options;
  const vault: KeyVault = {
    async encrypt(secret, name) {
      const body = { plaintext: Buffer.from(secret).toString('base64'), associated_data: associatedData(name) };
      const response = await ask(options, 'POST', `encrypt/${key}`, body);
      return Buffer.from(`${String.fromCharCode(VERSION)}${parse(encryptedSchema, response).data.ciphertext}`);
    },
    async decrypt(encrypted, name) {
      const ciphertext = ciphertextOf(encrypted);
      if (ciphertext === undefined) throw new KeyVaultError('not encrypted by this vault');
      const body = { ciphertext, associated_data: associatedData(name) };
      const response = await ask(options, 'POST', `decrypt/${key}`, body);
      return Buffer.from(parse(decryptedSchema, response).data.plaintext, 'base64');
    },
    keyId: async () => idOf(options, (await readKey(options)).latest_version),
    keyIdOf(encrypted) {
      const version = CIPHERTEXT.exec(ciphertextOf(encrypted) ?? '')?.[1];
      return version === undefined ? undefined : idOf(options, Number(version));
    },
  };
  const { type } = await readKey(options);
  if (BINDING_TYPES.includes(type)) return vault;
  throw new KeyVaultError(`${mount}/keys/${key} is of type ${type}: it must be one of ${BINDING_TYPES.join(', ')}`);
}

async function readKey(options: TransitOptions) {
  return parse(keySchema, await ask(options, 'GET', `keys/${options.key}`)).data;
}

function idOf({ mount, key }: TransitOptions, version: number): string {
  return `${mount}/${key}:v${version}`;
}

function associatedData(name: string): string {
  return Buffer.from(name).toString('base64');
}

/** Only as Vault writes it: bits that base64 ignores at its end are none that nobody may change. */
function ciphertextOf(encrypted: Uint8Array): string | undefined {
  const text = Buffer.from(encrypted.subarray(1)).toString('latin1');
  const base64 = encrypted[0] === VERSION ? CIPHERTEXT.exec(text)?.[2] : undefined;
  return base64 !== undefined && Buffer.from(base64, 'base64').toString('base64') === base64 ? text : undefined;
}

/** Tries again what may pass, and once with another token when this one is refused: it may have ended early. */
async function ask(options: TransitOptions, method: 'GET' | 'POST', path: string, body?: object) {
  const { http, tokens, mount } = options;
  let mayLogInAgain = true;
  for (let tries = 1; ; tries += 1) {
    const token = await tokens.get();
    const answer = await http.ask(method, `${mount}/${path}`, token, body).catch((error: unknown) => {
      if (tries >= TRIES) throw error;
      return undefined;
    });
    if (answer?.status === 200) return answer;
    if (answer?.status === 403 && mayLogInAgain) {
      mayLogInAgain = false;
      tokens.forget(token);
    } else if (answer !== undefined && (!PASSING_STATUSES.includes(answer.status) || tries >= TRIES)) {
      throw new KeyVaultError(`Vault refuses ${mount}/${path}: ${vaultErrors(answer)}`);
    }
    await delay(FIRST_WAIT_MS * 2 ** (tries - 1));
  }
}

function parse<T>(schema: z.ZodType<T>, { body }: VaultResponse): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new KeyVaultError('Vault answers what its transit engine does not answer; VAULT_ADDR may name something else');
}
