/**
 * Stands in for HashiCorp Vault: the transit secrets engine and the login by Kubernetes, with the requests and answers of
 * https://developer.hashicorp.com/vault/api-docs/secret/transit and …/auth/kubernetes.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

interface Answer {
  status: number;
  body: object;
}

export interface TestVault {
  address: string;
  /** Tokens that it takes. */
  tokens: Set<string>;
  /** Seconds that a token of a login lives. */
  leaseSeconds: number;
  /** Type of the key `oxo`. */
  keyType: string;
  /** Requests so far, as "POST transit/encrypt/oxo". */
  requests: string[];
  /** What it does instead of answering, once for each entry. */
  instead: ((response: ServerResponse) => void)[];
  /** As `vault write -f transit/keys/oxo/rotate`. */
  rotate(): void;
  close(): Promise<void>;
}

const refusal = (status: number, ...errors: string[]): Answer => ({ status, body: { errors } });
const ok = (data: object): Answer => ({ status: 200, body: { request_id: 'test', lease_id: '', data } });

/** @param serve makes the server: another one has TLS */
export async function startTestVault(
  serve: (listener: RequestListener) => Server = createServer,
  scheme = 'http',
): Promise<TestVault> {
  const keys = [randomBytes(32)];

  function transit(action: string, body: Record<string, string>): Answer {
    const associated = Buffer.from(body.associated_data ?? '', 'base64');
    if (action === 'keys') return ok({ name: 'oxo', type: vault.keyType, latest_version: keys.length });
    if (action === 'encrypt') {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', keys.at(-1) ?? '', nonce).setAAD(associated);
      const sealed = [nonce, cipher.update(body.plaintext ?? '', 'base64'), cipher.final(), cipher.getAuthTag()];
      const ciphertext = `vault:v${keys.length}:${Buffer.concat(sealed).toString('base64')}`;
      return ok({ ciphertext, key_version: keys.length });
    }
    const [, version = '', base64 = ''] = (body.ciphertext ?? '').split(':');
    const [key, bytes] = [keys[Number(version.slice(1)) - 1], Buffer.from(base64, 'base64')];
    if (key === undefined || bytes.length < 28) return refusal(400, 'invalid ciphertext: no such version');
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(associated);
      decipher.setAuthTag(bytes.subarray(-16));
      return ok({
        plaintext: Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('base64'),
      });
    } catch {
      return refusal(400, 'cipher: message authentication failed');
    }
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    const path = (request.url ?? '').slice('/v1/'.length);
    vault.requests.push(`${request.method} ${path}`);
    const body = request.method === 'POST' ? ((await json(request)) as Record<string, string>) : {};
    if (path === 'auth/kubernetes/login') {
      if (body.role !== 'oxo-auth' || body.jwt !== 'service-account') return refusal(403, 'permission denied');
      const token = `hvs.${randomBytes(8).toString('hex')}`;
      vault.tokens.add(token);
      return {
        status: 200,
        body: { auth: { client_token: token, lease_duration: vault.leaseSeconds, renewable: true } },
      };
    }
    if (!vault.tokens.has(String(request.headers['x-vault-token']))) return refusal(403, 'permission denied');
    const action = /^transit\/(encrypt|decrypt|keys)\/oxo$/.exec(path)?.[1];
    return action === undefined ? refusal(404) : transit(action, body);
  }

  const server = serve(async (request, response) => {
    const instead = vault.instead.shift();
    const { status, body } = await answer(request);
    if (instead !== undefined) instead(response);
    else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const vault: TestVault = {
    address: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tokens: new Set(['root']),
    leaseSeconds: 3_600,
    keyType: 'aes256-gcm96',
    requests: [],
    instead: [],
    rotate: () => void keys.push(randomBytes(32)),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
  return vault;
}
