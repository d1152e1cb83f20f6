/**
 * The connection of a process to NATS: it waits for the server at start, reconnects for ever, and says whether it is there.
 */
import { connect, errors, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '#kit/observability/logger.ts';
import { withTimeLimit } from '#kit/time-limit.ts';

export interface NatsBus {
  readonly connection: NatsConnection;
  /** What the subjects of answers begin with; the only ones that the user may subscribe to. */
  readonly inboxPrefix: string;
  isConnected(): boolean;
  /** For /readyz: rejects while the server is away, and does not resolve while it hangs. */
  checkReady(): Promise<void>;
  /** Calls back at each loss (false) and return (true) of the connection. Gives a function that ends it. */
  onConnectionChange(listener: (connected: boolean) => void): () => void;
  /** Calls back with what the server refuses outside an answer, such as a publish without permission. Gives a function that ends it. */
  onError(listener: (error: Error) => void): () => void;
  /** Sends what is buffered, lets subscriptions finish, then closes; at most two seconds. */
  close(): Promise<void>;
}

export interface NatsOptions {
  /**
   * nats://user:password@host:port, or tls:// which insists on TLS; several servers are separated by commas. The user also names the inbox:
   * `_INBOX_<user>`.
   */
  url: string;
  /** Shown by the server's monitoring. */
  name: string;
  logger: Logger;
  /** Ends the wait for the first connection. */
  signal?: AbortSignal;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
const CLOSE_LIMIT_MS = 2_000;

/** Connects, however long the server takes to appear. Rejects when it refuses the credentials, the URL is bad, or the signal aborts. */
export async function connectNats(options: NatsOptions): Promise<NatsBus> {
  const { servers, tls, user, password } = parseUrl(options.url);
  const inboxPrefix = user === undefined ? '_INBOX' : `_INBOX_${user}`;
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
    options.signal?.throwIfAborted();
    try {
      const connection = await connect({
        servers,
        ...(tls ? { tls: {} } : {}),
        ...(user === undefined ? {} : { user, pass: password }),
        name: options.name,
        inboxPrefix,
        timeout: 2_000,
        reconnect: true,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        reconnectJitter: 200,
        ignoreAuthErrorAbort: true,
        // A server that hangs is left after six seconds: until then revocations may be missed without anybody knowing.
        pingInterval: 2_000,
        maxPingOut: 2,
        // Otherwise every request keeps the stack of its caller.
        noAsyncTraces: true,
      });
      return { ...watchConnection(connection, options.logger), inboxPrefix };
    } catch (error) {
      if (error instanceof errors.AuthorizationError) throw new Error(`NATS refuses user "${user}"`, { cause: error });
      options.logger.warn({ err: error, servers, retryMs }, 'NATS is away');
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

function parseUrl(url: string): { servers: string[]; tls: boolean; user?: string; password?: string } {
  const urls = url.split(',').map((part) => new URL(part.trim()));
  const first = urls[0];
  const schemes = new Set(urls.map(({ protocol }) => protocol));
  if (first === undefined || schemes.size > 1 || !['nats:', 'tls:'].includes(first.protocol)) {
    throw new Error('the NATS URL must look like nats://user:password@host:port or tls://user:password@host:port');
  }
  const tls = first.protocol === 'tls:';
  const servers = urls.map(({ hostname, port }) => `${hostname}:${port || '4222'}`);
  if (first.username === '') return { servers, tls };
  return { servers, tls, user: decodeURIComponent(first.username), password: decodeURIComponent(first.password) };
}

function watchConnection(connection: NatsConnection, logger: Logger): Omit<NatsBus, 'inboxPrefix'> {
  let connected = true;
  const changeListeners = new Set<(connected: boolean) => void>();
  const errorListeners = new Set<(error: Error) => void>();
  const change = (next: boolean): void => {
    if (connected === next) return;
    connected = next;
    for (const listener of changeListeners) listener(next);
  };

  const watch = async (): Promise<void> => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        if (!connection.isClosed()) logger.warn({ server: status.server }, 'NATS connection lost');
        change(false);
      } else if (status.type === 'reconnect') {
        logger.info({ server: status.server }, 'NATS connection is back');
        change(true);
      } else if (status.type === 'error') {
        logger.error({ err: status.error }, 'NATS refused');
        for (const listener of errorListeners) listener(status.error);
      } else if (status.type === 'slowConsumer') {
        logger.warn({ subject: status.sub.getSubject(), pending: status.pending }, 'NATS messages wait to be read');
      }
    }
  };
  void watch();

  return {
    connection,
    isConnected: () => connected && !connection.isClosed(),
    checkReady: async () => {
      if (!connected || connection.isClosed()) throw new Error('not connected');
      await connection.flush();
    },
    onConnectionChange: (listener) => subscribe(changeListeners, listener),
    onError: (listener) => subscribe(errorListeners, listener),
    close: async () => {
      if (connection.isClosed()) return;
      const drained = connected ? connection.drain() : connection.close();
      await withTimeLimit(drained, CLOSE_LIMIT_MS, 'drain').catch(() => connection.close());
      connected = false;
    },
  };
}

function subscribe<L>(listeners: Set<L>, listener: L): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
