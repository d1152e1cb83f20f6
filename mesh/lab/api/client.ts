import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import type { KubernetesList, KubernetesObject, WatchEvent } from './types.ts';

/** How to reach an API server, and as whom. */
export type ApiAccess = {
  readonly host: string;
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
};

/** The Kubernetes API as far as the lab needs it: objects in, objects out. */
export type Api = {
  readonly get: <T>(path: string) => Promise<T>;
  readonly text: (path: string) => Promise<string>;
  readonly create: <T>(path: string, body: object) => Promise<T>;
  /** A merge patch. */
  readonly merge: <T>(path: string, body: object) => Promise<T>;
  /** Server-side apply, by the lab as its manager. */
  readonly apply: <T>(path: string, body: object) => Promise<T>;
  readonly remove: (path: string, graceSeconds?: number) => Promise<void>;
  /**
   * Tells of every object at a path as it is now, then of each change, until the signal is aborted. Connections that end are made anew.
   * @param onSync called with the names of all that are there, after each list
   */
  readonly follow: <T extends KubernetesObject>(
    path: string,
    handlers: { readonly onEvent: (event: WatchEvent<T>) => void; readonly onSync?: (names: Set<string>) => void },
    signal: AbortSignal,
  ) => Promise<void>;
  readonly close: () => void;
};

/** An answer of the API server that is no success. */
export class ApiError extends Error {
  /** Of HTTP. */
  readonly status: number;
  constructor(method: string, path: string, status: number, message: string) {
    super(`${method} ${path}: ${status} ${message}`);
    this.name = 'ApiError';
    this.status = status;
  }
}

const timeoutMs = 30_000;
/** The server ends a watch after this; it is asked again. */
const watchSeconds = 300;
const retryMs = 500;
const maxSockets = 64;
const fieldManager = 'oxo-lab';

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

export function connectApi(access: ApiAccess): Api {
  const agent = new Agent({
    ...{ ca: access.ca, cert: access.certificate, key: access.key },
    ...{ keepAlive: true, maxSockets },
  });
  const send = async (
    method: string,
    path: string,
    body?: object,
    contentType = 'application/json',
  ): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const asked = request(
      { ...{ agent, method, path, host: access.host, port: access.port, timeout: timeoutMs } },
      (response) => {
        response.setEncoding('utf8');
        let text = '';
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve(text);
          else reject(new ApiError(method, path, status, messageIn(text)));
        });
      },
    );
    asked.on('timeout', () => asked.destroy(new Error(`${method} ${path}: no answer in ${timeoutMs} ms`)));
    asked.on('error', reject);
    const text = body === undefined ? '' : JSON.stringify(body);
    if (body !== undefined) {
      asked.setHeader('content-type', contentType);
      // Of a DELETE Node would not say it, and what is sent would be read as the next request.
      asked.setHeader('content-length', Buffer.byteLength(text));
    }
    asked.end(text);
    return promise;
  };
  const json = async <T>(method: string, path: string, body?: object, contentType?: string): Promise<T> =>
    JSON.parse(await send(method, path, body, contentType)) as T;
  return {
    get: (path) => json('GET', path),
    text: (path) => send('GET', path),
    create: (path, body) => json('POST', path, body),
    merge: (path, body) => json('PATCH', path, body, 'application/merge-patch+json'),
    apply: (path, body) =>
      json('PATCH', `${path}?fieldManager=${fieldManager}&force=true`, body, 'application/apply-patch+yaml'),
    remove: async (path, graceSeconds) => {
      await send('DELETE', path, graceSeconds === undefined ? undefined : { gracePeriodSeconds: graceSeconds });
    },
    follow: (path, handlers, signal) =>
      follow({ agent, access, path, list: (at) => json('GET', at) }, handlers, signal),
    close: () => agent.destroy(),
  };
}

type Followed<T extends KubernetesObject> = {
  readonly agent: Agent;
  readonly access: ApiAccess;
  readonly path: string;
  readonly list: (path: string) => Promise<KubernetesList<T>>;
};

async function follow<T extends KubernetesObject>(
  followed: Followed<T>,
  { onEvent, onSync }: { onEvent: (event: WatchEvent<T>) => void; onSync?: (names: Set<string>) => void },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { items, metadata } = await followed.list(followed.path);
      for (const object of items) onEvent({ type: 'MODIFIED', object });
      onSync?.(new Set(items.map(({ metadata: { namespace = '', name } }) => `${namespace}/${name}`)));
      let version: string | undefined = metadata.resourceVersion;
      while (version !== undefined && !signal.aborted) version = await watchOnce(followed, version, onEvent, signal);
    } catch {
      // The API server is away, or starts.
    }
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

/** @returns the version to go on from, or undefined when everything has to be listed again */
async function watchOnce<T extends KubernetesObject>(
  { agent, access, path }: Followed<T>,
  version: string,
  onEvent: (event: WatchEvent<T>) => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${watchSeconds}&resourceVersion=${version}`;
  let last = version;
  const asked = request(
    { agent, signal, host: access.host, port: access.port, path: `${path}${path.includes('?') ? '&' : '?'}${query}` },
    (response) => {
      if (response.statusCode !== 200) {
        response.resume();
        resolve(undefined);
        return;
      }
      const lines = createInterface({ input: response });
      lines.on('line', (line) => {
        const event = JSON.parse(line) as WatchEvent<T>;
        if (event.type === 'ERROR') resolve(undefined);
        else last = event.object.metadata.resourceVersion ?? last;
        if (event.type === 'ADDED' || event.type === 'MODIFIED' || event.type === 'DELETED') onEvent(event);
      });
      lines.on('close', () => resolve(last));
      // It passes the errors of what it reads on.
      lines.on('error', () => resolve(last));
      response.on('error', () => resolve(last));
    },
  );
  asked.on('error', () => resolve(undefined));
  asked.end();
  return promise;
}

function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text.trim().slice(0, 500);
  }
}
