import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type Clock, SECOND_MS } from '#kit/clock.ts';
import { sharedRuns } from '#kit/shared-runs.ts';
import { KeyVaultError } from './key-vault.ts';
import type { VaultHttp, VaultResponse } from './vault-http.ts';

/** How we show Vault who we are: a token that somebody keeps fresh in a file, or the token of our service account. */
export type VaultLogin =
  | { tokenFile: string }
  | { kubernetes: { role: string; mount: string; serviceAccountFile: string } };

export interface VaultTokens {
  /** A token that is valid as far as we know. @throws KeyVaultError when there is none to be had */
  get(): Promise<string>;
  /** Vault did not take this one: the next `get` has another, where there is another. */
  forget(token: string): void;
}

const loginSchema = z.object({
  auth: z.object({ client_token: z.string().min(1), lease_duration: z.number().int().nonnegative() }),
});
const MAX_TOKEN_BYTES = 16 * 1024;

/** A file is read each time: an agent of Vault writes it anew. A token of our own is replaced at two thirds of its life. */
export function createVaultTokens(options: { http: VaultHttp; login: VaultLogin; clock: Clock }): VaultTokens {
  const { http, login, clock } = options;
  if ('tokenFile' in login) {
    return { get: () => readToken(login.tokenFile, 'VAULT_TOKEN_FILE'), forget: () => undefined };
  }
  const { role, mount, serviceAccountFile } = login.kubernetes;
  let held: { token: string; renewAtMs: number } | undefined;

  // Whoever asks meanwhile waits for the same one.
  const logIn = sharedRuns(async () => {
    const jwt = await readToken(serviceAccountFile, 'VAULT_KUBERNETES_TOKEN_FILE');
    const response = await http.ask('POST', `auth/${mount}/login`, undefined, { role, jwt });
    const parsed = loginSchema.safeParse(response.body);
    if (response.status !== 200 || !parsed.success) {
      throw new KeyVaultError(`Vault does not let role ${role} in by auth/${mount}: ${vaultErrors(response)}`);
    }
    const { client_token: token, lease_duration: seconds } = parsed.data.auth;
    // None at all means that it does not end.
    const lifeMs = seconds === 0 ? Number.POSITIVE_INFINITY : seconds * SECOND_MS;
    held = { token, renewAtMs: clock.nowMs() + (lifeMs * 2) / 3 };
    return token;
  });

  return {
    async get() {
      if (held !== undefined && clock.nowMs() < held.renewAtMs) return held.token;
      return logIn();
    },
    forget(token) {
      if (held?.token === token) held = undefined;
    },
  };
}

async function readToken(file: string, setting: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new KeyVaultError(`${setting}: the file cannot be read`, { cause });
  });
  const token = text.trim();
  // What goes into a header: no line of its own.
  if (token === '' || token.length > MAX_TOKEN_BYTES || !/^[\x21-\x7e]+$/.test(token)) {
    throw new KeyVaultError(`${setting}: does not hold a token`);
  }
  return token;
}

const errorsSchema = z.object({ errors: z.array(z.string()) });

/** What Vault says is wrong, in one bounded line. */
export function vaultErrors({ status, body }: VaultResponse): string {
  const parsed = errorsSchema.safeParse(body);
  const text = parsed.success ? parsed.data.errors.join('; ').replace(/\s+/g, ' ').slice(0, 500) : '';
  return text === '' ? `status ${status}` : `${text} (status ${status})`;
}
