import { readFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { KeyVaultError } from './key-vault.ts';

const MAX_RESPONSE_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 4;

export interface VaultHttpOptions {
  /** https; http only where nothing leaves the machine. */
  address: string;
  namespace: string | undefined;
  /** PEM file of the authorities that may have signed its certificate; the usual ones when absent. */
  caFile: string | undefined;
  timeoutMs: number;
}

/** What Vault answered, whatever its status: its JSON, or undefined when there is none. */
export interface VaultResponse {
  status: number;
  body: unknown;
}

export interface VaultHttp {
  /**
   * Asks once.
   * @param path below /v1/
   * @throws KeyVaultError when there is no answer in time, or one that is too long or not JSON
   */
  ask(method: 'GET' | 'POST', path: string, token: string | undefined, body?: object): Promise<VaultResponse>;
}

/**
 * Node's own client: fetch takes neither an authority of its own nor, without a package, a limit of connections.
 * @throws KeyVaultError when the file of authorities cannot be read
 */
export async function openVaultHttp({ address, namespace, caFile, timeoutMs }: VaultHttpOptions): Promise<VaultHttp> {
  const base = new URL(address);
  const ca = caFile === undefined ? undefined : await readCa(caFile);
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, ...(ca === undefined ? {} : { ca }) });
  const send = base.protocol === 'https:' ? httpsRequest : httpRequest;

  return {
    async ask(method, path, token, body) {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        'x-vault-request': 'true',
        ...(token === undefined ? {} : { 'x-vault-token': token }),
        ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      };
      // A proxy before it may answer without an end, so the limit is for the whole of it.
      const signal = AbortSignal.timeout(timeoutMs);
      const options = { method, headers, signal, ...(base.protocol === 'https:' ? { agent } : {}) };
      try {
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          send(new URL(`/v1/${path}`, base), options, resolve)
            .once('error', reject)
            .end(text);
        });
        return { status: response.statusCode ?? 0, body: parse(await readBounded(response)) };
      } catch (cause) {
        throw new KeyVaultError(`Vault does not answer at ${base.origin}: ${reasonOf(cause, timeoutMs)}`, { cause });
      }
    },
  };
}

async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new KeyVaultError('VAULT_CACERT: the file cannot be read', { cause });
  }
}

async function readBounded(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_RESPONSE_BYTES) {
      response.destroy();
      throw new Error('its answer is too long');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Errors of what stands before Vault, such as a proxy, need not be JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(cause: unknown, timeoutMs: number): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.name === 'TimeoutError' || cause.name === 'AbortError' ? `not within ${timeoutMs} ms` : cause.message;
}
