import assert from 'node:assert/strict';
import type { Cases } from '../testing/cases.ts';
import type { World } from '../testing/world.ts';
import { undisturbed } from './bystander.ts';
import { block, flag, frame, frameType, frameTypes, preface, text, uint32 } from './http2-frames.ts';
import { openRaw, type RawClient } from './sockets.ts';

const get = { ':method': 'GET', ':scheme': 'http', ':authority': 'a', ':path': '/api/v1/nowhere' };
const open = flag.endStream | flag.endHeaders;

/** Of who has had enough and is about to end the connection, on a machine under any load. */
const silenceMs = 10_000;

/**
 * Sends frames until the other end has had enough.
 * @param next the frames of one turn; undefined when there is no more
 */
async function flood(world: World, next: (turn: number) => Buffer | undefined): Promise<RawClient> {
  const client = await openRaw(world);
  await client.send(preface);
  for (let turn = 0; !client.isClosed(); turn += 1) {
    const frames = next(turn);
    if (frames === undefined) break;
    await client.send(frames);
    // Otherwise what comes back is never read.
    if (turn % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await client.finished(silenceMs);
  client.destroy();
  return client;
}

const typesOf = (client: RawClient): number[] => frameTypes(Buffer.from(client.received(), 'latin1'));

/** The connection was ended, and not because the flood was over. */
function assertCutOff(client: RawClient, what: string): void {
  assert.ok(client.isClosed(), `${what}: ${typesOf(client)}`);
}

/** Floods of frames that cost the sender little; each ends its own connection and nobody else's. */
export const floods: Cases = {
  'requests that are given up as soon as they are made end the connection': async (world) => {
    await undisturbed(world, async () => {
      const client = await flood(world, (turn) => {
        const stream = 2 * turn + 1;
        if (turn >= 20_000) return undefined;
        const reset = frame(frameType.reset, 0, stream, uint32(8));
        return Buffer.concat([frame(frameType.headers, open, stream, block(get)), reset]);
      });
      assertCutOff(client, 'rapid reset');
    });
  },

  'a block of headers without end, and one that unfolds a thousand times, are refused': async (world) => {
    await undisturbed(world, async () => {
      const part = block({ filler: 'a'.repeat(8_000) });
      const endless = await flood(world, (turn) => {
        if (turn === 0) return frame(frameType.headers, flag.endStream, 1, block(get));
        return turn > 2_000 ? undefined : frame(frameType.continuation, 0, 1, part);
      });
      assertCutOff(endless, 'continuations');
      const empty = await flood(world, (turn) => {
        if (turn === 0) return frame(frameType.headers, flag.endStream, 1, block(get));
        return turn > 20_000 ? undefined : frame(frameType.continuation, 0, 1);
      });
      assertCutOff(empty, 'empty continuations');
      // One entry of the table, then a byte each time: 16 KiB that would be 10 MB of headers.
      const entry = Buffer.concat([Buffer.from([0x40]), text('x'), text('a'.repeat(3_000))]);
      const bomb = Buffer.concat([block(get), entry, Buffer.alloc(3_500, 0xbe)]);
      const unfolding = await flood(world, (turn) => (turn > 0 ? undefined : frame(frameType.headers, open, 1, bomb)));
      const types = typesOf(unfolding);
      assert.ok(
        unfolding.isClosed() || types.includes(frameType.reset) || types.includes(frameType.headers),
        `${types}`,
      );
    });
  },

  'pings, settings, empty data, windows and priorities without end end the connection': async (world) => {
    const headers = frame(frameType.headers, flag.endHeaders, 1, block({ ...get, ':method': 'POST' }));
    const of = (one: Buffer) => (turn: number) => {
      if (turn === 0) return headers;
      return turn > 3_000 ? undefined : Buffer.concat(Array.from({ length: 20 }, () => one));
    };
    await undisturbed(world, async () => {
      const empty = await flood(world, of(frame(frameType.data, 0, 1)));
      assertCutOff(empty, 'empty data');
      const windows = await flood(world, of(frame(frameType.windowUpdate, 0, 1, uint32(1))));
      assertCutOff(windows, 'windows');
      const priorities = await flood(world, of(frame(frameType.priority, 0, 1, Buffer.alloc(5, 3))));
      assertCutOff(priorities, 'priorities');
    });
  },

  'answers that are never read pile up to a bound': async (world) => {
    await undisturbed(world, async () => {
      for (const one of [frame(frameType.ping, 0, 0, Buffer.alloc(8)), frame(frameType.settings, 0, 0)]) {
        const client = await openRaw(world);
        client.socket.pause();
        await client.send(preface);
        const many = Buffer.concat(Array.from({ length: 1_000 }, () => one));
        let blocked = false;
        for (let turn = 0; turn < 3_000 && !client.isClosed() && !blocked; turn += 1) {
          blocked = !client.socket.write(many) && (await isStuck(client));
        }
        assert.ok(blocked || client.isClosed(), 'it took them all');
        client.destroy();
      }
    });
  },
};

/** Whether the other end has stopped reading. */
async function isStuck(client: RawClient): Promise<boolean> {
  const endMs = performance.now() + 1_000;
  while (performance.now() < endMs) {
    if (!client.socket.writableNeedDrain || client.isClosed()) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}
