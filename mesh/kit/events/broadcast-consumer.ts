/**
 * Reads a whole broadcast stream in every process: at start all that it keeps, then what is added, in order and each message once.
 *
 * No consumer is made at the server (durables.ts says why). The stream sends each message on once it is stored, with its sequence number;
 * where one is missing (at start, after a lost connection, when the process was too slow) the stream itself is read from there.
 */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { MsgHdrs, Subscription } from '@nats-io/nats-core';
import { readAttributes } from '#kit/events/envelope.ts';
import { type EventHandler, handlersBySubject } from '#kit/events/handlers.ts';
import type { NatsBus } from '#kit/events/nats.ts';
import { broadcastSubject } from '#kit/events/streams.ts';
import type { Logger } from '#kit/logger.ts';
import { extractTrace, SpanKind, withSpan, withTraceContext } from '#kit/trace.ts';

export interface BroadcastConsumer {
  /** Resolves when everything that was in the stream at this moment has been handled; waits for a server that is away. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Resolves when everything that is in the stream now has been handled. For tests. */
  processAll(): Promise<void>;
}

export interface BroadcastConsumerOptions {
  nats: NatsBus;
  stream: string;
  /** Subjects without a handler are passed over. A handler that fails is logged and not called again: it should only touch memory. */
  handlers: readonly EventHandler[];
  logger: Logger;
  /** Looks for missed messages this often, besides at each reconnect; default 5,000. */
  checkEveryMs?: number;
}

/** A message, however it came. */
interface StreamMessage {
  sequence: number;
  subject: string;
  data: Uint8Array;
  headers: MsgHdrs;
}

const BATCH = 256;
const MAX_QUEUED = 10_000;
const RETRY_MS = 250;
/** A follower of the stream may lag behind its leader: how often to ask again for what must be there. */
const EMPTY_READS = 8;

export function createBroadcastConsumer(options: BroadcastConsumerOptions): BroadcastConsumer {
  const { nats, stream, logger, checkEveryMs = 5_000 } = options;
  const handlers = handlersBySubject(options.handlers);
  /** Sequence of the last message that was handled or passed over. */
  let position = 0;
  /** When the stream was made: one that was made anew counts from 1 again. */
  let streamCreated: string | undefined;
  let stopped = false;
  let subscription: Subscription | undefined;
  let timer: NodeJS.Timeout | undefined;
  let endWatch: (() => void) | undefined;
  // One reader at a time; what arrives meanwhile is read by the next.
  let work: Promise<void> = Promise.resolve();
  let queued = 0;

  async function handle(message: StreamMessage): Promise<void> {
    position = message.sequence;
    const handler = handlers.get(message.subject);
    if (handler === undefined) return;
    try {
      const metadata = readAttributes(message.subject, message.headers);
      const run = handler.prepare(message.data);
      const context = { working: () => undefined, signal: new AbortController().signal };
      await withTraceContext(extractTrace({ traceparent: metadata.traceparent }), () =>
        withSpan(`handle ${message.subject}`, SpanKind.CONSUMER, undefined, async () => run(metadata, context)),
      );
    } catch (error) {
      logger.error(
        { err: error, stream, subject: message.subject, streamSequence: message.sequence },
        'broadcast not handled',
      );
    }
  }

  /** Reads until the stream's end as of now. */
  async function catchUp(): Promise<void> {
    const manager = await jetstreamManager(nats.connection, { checkAPI: false, timeout: 2_000 });
    const { created, state } = await manager.streams.info(stream);
    if (streamCreated !== created) {
      if (streamCreated !== undefined) logger.warn({ stream }, 'stream was made anew; reading it from its start');
      streamCreated = created;
      position = 0;
    }
    // What has expired cannot be read; without this an empty stream would look like one that lags.
    if (state.messages === 0) position = Math.max(position, state.last_seq);
    let emptyReads = 0;
    while (!stopped && position < state.last_seq) {
      const found = await readBatch(manager, position + 1);
      for (const message of found) if (message.sequence > position) await handle(message);
      if (found.length > 0) continue;
      emptyReads += 1;
      if (emptyReads === EMPTY_READS) position = state.last_seq;
      else await delay(RETRY_MS / 5);
    }
  }

  async function readBatch(manager: JetStreamManager, fromSequence: number): Promise<StreamMessage[]> {
    const found: StreamMessage[] = [];
    try {
      for await (const message of await manager.direct.getBatch(stream, { seq: fromSequence, batch: BATCH })) {
        found.push({ sequence: message.seq, subject: message.subject, data: message.data, headers: message.header });
      }
    } catch (error) {
      if (!(error instanceof Error && error.message === 'message not found')) throw error;
    }
    return found;
  }

  /** Catches up after what is in hand; tries until it succeeds or the consumer stops. */
  function enqueueCatchUp(): Promise<void> {
    work = work.then(async () => {
      while (!stopped) {
        try {
          return await catchUp();
        } catch (error) {
          logger.warn({ err: error, stream }, 'broadcast stream cannot be read; trying again');
          await delay(RETRY_MS);
        }
      }
    });
    return work;
  }

  function enqueueLive(message: StreamMessage): void {
    // What does not fit is a gap that the next message or check finds.
    if (queued === MAX_QUEUED) return;
    queued += 1;
    work = work.then(async () => {
      queued -= 1;
      if (stopped || message.sequence <= position) return;
      if (message.sequence === position + 1) await handle(message);
      else void enqueueCatchUp();
    });
  }

  return {
    async start() {
      subscription = nats.connection.subscribe(broadcastSubject(stream), {
        callback: (error, message) => {
          if (error !== null) logger.error({ err: error, stream }, 'broadcast subscription refused');
          else if (message.headers !== undefined) enqueueLive(fromLive(message.data, message.headers));
        },
      });
      endWatch = nats.onConnectionChange((connected) => {
        if (connected) void enqueueCatchUp();
      });
      timer = setInterval(() => {
        if (nats.isConnected()) void enqueueCatchUp();
      }, checkEveryMs);
      await enqueueCatchUp();
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      endWatch?.();
      subscription?.unsubscribe();
      await work;
    },
    processAll: enqueueCatchUp,
  };
}

function fromLive(data: Uint8Array, headers: MsgHdrs): StreamMessage {
  return { sequence: Number(headers.get('Nats-Sequence')), subject: headers.get('Nats-Subject'), data, headers };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
