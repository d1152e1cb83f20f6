/**
 * Reads a stream from its start, message by message and each once, without a consumer at the server.
 */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/transport-node';
import type { NatsBus } from '#kit/events/jetstream/nats.ts';
import type { Logger } from '#kit/observability/logger.ts';

export interface StreamMessage {
  sequence: number;
  subject: string;
  data: Uint8Array;
  headers: MsgHdrs;
}

export interface StreamReader {
  /** Hands over everything from where it stands to the stream's end as of now. Rejects when the server is away. */
  catchUp(signal: AbortSignal): Promise<void>;
  /** Hands a message over that came by itself. @returns false, having done nothing, when messages before it are missing. */
  accept(message: StreamMessage): Promise<boolean>;
}

const BATCH = 256;
/** A follower of the stream may lag behind its leader: what must be there is asked for again, this often. */
const MAX_EMPTY_READS = 8;
const EMPTY_READ_WAIT_MS = 50;
const API_TIMEOUT_MS = 2_000;

/** @param handle is given the messages one after the other; it should not reject. */
export function createStreamReader(options: {
  nats: NatsBus;
  stream: string;
  handle: (message: StreamMessage) => Promise<void>;
  logger: Logger;
}): StreamReader {
  const { nats, stream, handle, logger } = options;
  /** Sequence of the last message that was handed over or passed. */
  let position = 0;
  /** When the stream was made: one that was made anew counts from 1 again. */
  let streamCreated: string | undefined;

  async function handOver(message: StreamMessage): Promise<void> {
    if (message.sequence <= position) return;
    position = message.sequence;
    await handle(message);
  }

  /** @returns the sequence to read to. */
  async function findEnd(manager: JetStreamManager): Promise<number> {
    const { created, state } = await manager.streams.info(stream);
    if (created !== streamCreated) {
      if (streamCreated !== undefined) logger.warn({ stream }, 'stream was made anew; reading it from its start');
      streamCreated = created;
      position = 0;
    }
    // What has expired cannot be read; without this an empty stream would look like one that lags.
    if (state.messages === 0) position = Math.max(position, state.last_seq);
    return state.last_seq;
  }

  return {
    async catchUp(signal) {
      const manager = await jetstreamManager(nats.connection, { checkAPI: false, timeout: API_TIMEOUT_MS });
      const end = await findEnd(manager);
      let emptyReads = 0;
      while (!signal.aborted && position < end) {
        const messages = await readBatch(manager, stream, position + 1);
        for (const message of messages) await handOver(message);
        if (messages.length > 0) continue;
        emptyReads += 1;
        // The last messages were deleted one by one: nothing is there to be read.
        if (emptyReads === MAX_EMPTY_READS) position = end;
        else await new Promise((resolve) => setTimeout(resolve, EMPTY_READ_WAIT_MS));
      }
    },
    async accept(message) {
      if (message.sequence > position + 1) return false;
      await handOver(message);
      return true;
    },
  };
}

async function readBatch(manager: JetStreamManager, stream: string, seq: number): Promise<StreamMessage[]> {
  const messages: StreamMessage[] = [];
  try {
    for await (const stored of await manager.direct.getBatch(stream, { seq, batch: BATCH })) {
      messages.push({ sequence: stored.seq, subject: stored.subject, data: stored.data, headers: stored.header });
    }
  } catch (error) {
    if (!(error instanceof Error && error.message === 'message not found')) throw error;
  }
  return messages;
}
