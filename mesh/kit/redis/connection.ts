import { Redis as Client } from 'ioredis';
import { unavailable } from '#kit/errors.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import { createWatchdog } from '#kit/redis/watchdog.ts';

/** A connection that is made again when it is lost, and knows whose server it leads to. */
export interface RedisConnection {
  readonly client: Client;
  /** Of the server that it leads to now. @throws OxoError UNAVAILABLE while there is none, or it gives no answer */
  epoch(): string;
  isThere(): boolean;
  /**
   * Sends commands. When no answer at all comes for half a second, all that wait fail.
   * @throws OxoError UNAVAILABLE, and sends nothing, when too many wait already
   */
  ask<Answer>(send: () => Promise<Answer>): Promise<Answer>;
  close(): void;
}

const EPOCH_CHARACTERS = 8;
const CONNECT_TIMEOUT_MS = 2_000;
/**
 * A hundred times what a busy server takes, and the longest script takes milliseconds. Shorter, and a machine that is out of
 * breath would send its reads to Postgres, which makes it worse.
 */
const ANSWER_TIMEOUT_MS = 500;
/**
 * How often the server is asked whether it is there. A request may pass through three services: without this, each of them
 * would find out by waiting, one after the other.
 */
const HEARTBEAT_MS = 250;
const MAX_RECONNECT_DELAY_MS = 500;
/** Answers that are awaited at once: a healthy server gives them in a tenth of a second. */
const MAX_AWAITED = 8_192;

/**
 * All processes have noticed a node's new configuration by then: none writes under its new name while another may still write
 * under the old one.
 */
const EPOCH_CHANGE_MS = 2 * HEARTBEAT_MS;

/**
 * Connects in the background, however long the server takes.
 * @param options.isNode of a cluster: its epoch says also by which configuration of the cluster it holds its slots, so that a slot
 * that has been elsewhere meanwhile does not come back with the keys that it left
 * @param options.answerTimeoutMs how long it may be silent while an answer is awaited
 */
export function openRedisConnection(
  url: string,
  logger: Logger,
  { isNode = false, answerTimeoutMs = ANSWER_TIMEOUT_MS } = {},
): RedisConnection {
  const warn = warnSeldom(logger);
  const client = new Client(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Neither `socketTimeout`, whose timer outlives the connection and then ends the next one, nor `commandTimeout`: the
    // watchdog makes all commands fail that wait for the same server.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    // Otherwise a server that hangs is waited for before the connection counts as made.
    disableClientInfo: true,
    retryStrategy: (attempts) => Math.min(attempts * 50, MAX_RECONNECT_DELAY_MS),
  });
  let epoch: string | undefined;
  let changing: NodeJS.Timeout | undefined;

  /** A server that hangs does not close its end: nobody waits for that. */
  function giveUp(): void {
    epoch = undefined;
    client.stream.destroy();
  }

  const watchdog = createWatchdog(answerTimeoutMs, () => {
    warn({ timeoutMs: answerTimeoutMs }, 'redis gives no answer');
    giveUp();
  });

  async function readEpoch(): Promise<string | undefined> {
    const [replication, cluster] = await watchdog.watch(
      Promise.all([client.info('replication'), isNode ? client.cluster('INFO') : undefined]),
    );
    const id = /master_replid:([0-9a-f]+)/.exec(replication)?.[1]?.slice(0, EPOCH_CHARACTERS);
    // A node that has just come back does not know yet what became of its slots.
    if (isNode && !cluster?.includes('cluster_state:ok')) throw new Error('the node is no part of its cluster now');
    const configuration = /cluster_my_epoch:(\d+)/.exec(cluster ?? '')?.[1];
    return configuration === undefined ? id : `${id}-${configuration}`;
  }

  async function learnEpoch(): Promise<void> {
    epoch = await readEpoch();
    logger.info({ epoch }, 'redis connected');
  }

  async function beat(): Promise<void> {
    if (epoch === undefined) return;
    if (!isNode) return void (await watchdog.watch(client.ping()));
    const next = await readEpoch().catch(giveUp);
    if (epoch === undefined || next === undefined || next === epoch) return;
    epoch = undefined;
    changing = setTimeout(() => {
      epoch = next;
    }, EPOCH_CHANGE_MS);
  }

  client.on('ready', () => {
    learnEpoch().catch((error: unknown) => {
      warn({ err: error }, 'redis does not tell its epoch');
      giveUp();
    });
  });
  client.on('close', () => {
    epoch = undefined;
    clearTimeout(changing);
  });
  client.on('error', (error: unknown) => logger.debug({ err: error }, 'redis connection failed'));
  const heartbeat = setInterval(() => {
    beat().catch(() => undefined);
  }, HEARTBEAT_MS);

  let gathering = false;

  /** What is sent until the event loop goes on leaves in one system call: those are most of what a command costs. */
  function gatherWrites(): void {
    if (gathering) return;
    const { stream } = client;
    gathering = true;
    stream.cork();
    setImmediate(() => {
      gathering = false;
      stream.uncork();
    });
  }

  return {
    client,
    epoch() {
      if (epoch === undefined) throw unavailable('Redis is away.');
      return epoch;
    },
    isThere: () => epoch !== undefined,
    ask(send) {
      if (watchdog.awaited() >= MAX_AWAITED) throw unavailable('Redis is busy.');
      gatherWrites();
      return watchdog.watch(send());
    },
    close() {
      clearInterval(heartbeat);
      clearTimeout(changing);
      watchdog.stop();
      client.disconnect();
    },
  };
}
