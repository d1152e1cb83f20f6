import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { call, callHttp2, oneConnection } from '../testing/http.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const path = '/api/v1/posts/p1';
/** What asks somewhere to be recorded, and what could put an end to it. */
const asking: Record<string, string>[] = [
  { traceparent },
  { traceparent, tracestate: 'stranger=1' },
  { TraceParent: traceparent },
  { traceparent: 'nonsense' },
  { 'x-client-trace-id': traceId },
  { 'x-envoy-force-trace': 'true' },
  {
    'x-client-trace-id': traceId,
    'x-envoy-force-trace': 'true',
    'x-request-id': '00000000-0000-4000-8000-000000000000',
  },
  { b3: `${traceId}-b7ad6b7169203331-1`, 'x-b3-sampled': '1', 'x-b3-flags': '1' },
];

describe('what a stranger says of traces', () => {
  let door: FrontDoor;
  let exports = 0;
  const collector = createServer((request, response) => {
    exports += 1;
    request.resume();
    response.end();
  });
  before(async () => {
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const otlpEndpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    door = await startFrontDoor({ tracing: { otlpEndpoint, samplingPercent: 0 } });
  });
  beforeEach(() => door.upstream.reset());
  after(async () => {
    await door.stop();
    collector.close();
    collector.closeAllConnections();
  });

  /** The trace that the service was told, of a request that is not recorded. */
  function traceOf(number: number): string {
    const { metadata } = door.upstream.calls[number] ?? assert.fail(`no call ${number}`);
    assert.equal(metadata.get('tracestate') || undefined, undefined);
    const [, trace] = /^00-([0-9a-f]{32})-[0-9a-f]{16}-00$/.exec(metadata.get('traceparent') ?? '') ?? [];
    return trace ?? assert.fail(String(metadata.get('traceparent')));
  }

  it('makes nothing be recorded, and joins no trace', async () => {
    for (const headers of asking) assert.equal((await call(door, { path, headers })).status, 200);
    const lowered = asking.map((headers) => lowerCase(headers));
    await callHttp2(
      door,
      lowered.map((headers) => ({ path, headers })),
    );
    const traces = new Set(door.upstream.calls.map((_, number) => traceOf(number)));
    assert.equal(traces.size, 2 * asking.length, 'each a trace of its own');
    assert.ok(!traces.has(traceId));
    assert.equal(exports, 0);
  });

  it('leaves its request id, by which it is found in logs', async () => {
    const headers = { traceparent, 'x-request-id': 'stranger-1' };
    assert.equal((await call(door, { path, headers })).headers['x-request-id'], 'stranger-1');
    assert.equal((await door.accessLogLine('stranger-1')).requestId, 'stranger-1');
    assert.equal(door.upstream.calls[0]?.metadata.get('x-request-id'), 'stranger-1');
  });
});

describe('requests of which half are recorded', () => {
  it('are chosen by nothing that a client says', async () => {
    const door = await startFrontDoor({ tracing: { otlpEndpoint: 'http://127.0.0.1:1', samplingPercent: 50 } });
    try {
      const headers = { 'x-request-id': '00000000-0000-4000-8000-000000000000' };
      const agent = oneConnection();
      for (let number = 0; number < 100; number += 1) await call(door, { path, headers, agent });
      agent.destroy();
      const recorded = door.upstream.calls.filter(({ metadata }) => metadata.get('traceparent')?.endsWith('-01'));
      // Of a fair coin it is outside of this once in a million times a million.
      assert.ok(recorded.length > 15 && recorded.length < 85, `${recorded.length} of 100`);
    } finally {
      await door.stop();
    }
  });
});

describe('a trace where there is no collector', () => {
  for (const trustTraceparent of [false, true]) {
    it(`${trustTraceparent ? 'is that of a caller that is trusted' : 'is none, whatever a stranger says'}`, async () => {
      const door = await startFrontDoor({ trustTraceparent });
      try {
        await call(door, { path, headers: { traceparent } });
        const told = door.upstream.calls[0]?.metadata.get('traceparent') || undefined;
        assert.equal(told, trustTraceparent ? traceparent : undefined);
      } finally {
        await door.stop();
      }
    });
  }
});

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
