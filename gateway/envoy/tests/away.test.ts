import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { assertError, call, callRaw } from '../testing/http.ts';
import { startUpstream, type Upstream } from '../testing/upstream.ts';
import { everyUpstream } from '../testing/upstreams.ts';

describe('services that are away or slow', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor({ requestTimeoutMs: 1_500, clientTimeoutMs: 300 });
  });
  after(() => door.stop());

  it('answers 503 with Retry-After while a service is away, and serves again when it is back', async () => {
    const path = '/api/v1/feed';
    const answer = await call(door, { path });
    assertError(answer, { status: 503, code: 14, reason: 'UNAVAILABLE' });
    assert.equal(answer.headers['retry-after'], '1');
    const feed = await startUpstream(door.feedPort);
    try {
      assert.equal((await call(door, { path })).status, 200);
    } finally {
      await feed.stop();
    }
    assertError(await call(door, { path }), { status: 503, code: 14, reason: 'UNAVAILABLE' });
  });

  it('answers 504 when a service does not answer in time, and tells the service to stop', async () => {
    let aborted: Promise<void> | undefined;
    door.upstream.answer('/oxo.user.v1.UserService/GetUser', (_request, { signal }) => {
      aborted = new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
      return new Promise(() => undefined);
    });
    const answer = await call(door, { path: '/api/v1/users/u1' });
    assertError(answer, { status: 504, code: 4, reason: 'DEADLINE_EXCEEDED' });
    await aborted;
  });

  it('answers 408 when the client does not send its body', async () => {
    const head = 'POST /api/v1/posts HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 10\r\n\r\n{';
    const answer = await callRaw(door, head);
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.match(answer, /\r\ncontent-type: application\/json\r\n/);
    assert.match(answer, /"reason":"REQUEST_TIMEOUT"/);
  });
});

describe('a service of which one of two replicas is away', () => {
  const host = '127.0.0.1';
  let replica: Upstream;
  let door: FrontDoor;
  before(async () => {
    replica = await startUpstream();
    const gone = await startUpstream();
    await gone.stop();
    const post = [
      { host, port: gone.port },
      { host, port: replica.port },
    ];
    const other = { host, port: replica.port };
    door = await startFrontDoor({ upstreams: { ...everyUpstream(other), post } });
  });
  after(async () => {
    await door.stop();
    await replica.stop();
  });

  it('answers as if it had one, reads and writes alike', async () => {
    const headers = { 'content-type': 'application/json' };
    for (let time = 0; time < 30; time += 1) {
      assert.equal((await call(door, { path: '/api/v1/posts/p1' })).status, 200);
      const created = await call(door, { method: 'POST', path: '/api/v1/posts', headers, body: '{"text":"a"}' });
      assert.ok(created.status < 300, `${created.status} ${created.body}`);
    }
    assert.equal(replica.calls.length, 60);
  });
});

describe('proxies in front of the front door', () => {
  let door: FrontDoor;
  before(async () => {
    door = await startFrontDoor({ trustedHops: 1 });
  });
  after(() => door.stop());

  it('believes as many of them as are ours', async () => {
    const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.9', 'x-request-id': 'hops-1' };
    await call(door, { path: '/api/v1/posts/p1', headers });
    assert.equal(door.upstream.calls[0]?.metadata.get('x-forwarded-for'), '203.0.113.9');
    assert.equal((await door.accessLogLine('hops-1')).network, '203.0.113.0/24');
  });
});

describe('spans of the front door', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  let door: FrontDoor;
  let exported: Promise<Buffer>;
  const collector = createServer();
  before(async () => {
    exported = new Promise((resolve) => {
      collector.on('request', (request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          if (request.url === '/v1/traces') resolve(Buffer.concat(chunks));
          response.end();
        });
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const otlpEndpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    const tracing = { otlpEndpoint, samplingPercent: 100 };
    door = await startFrontDoor({ tracing, trustTraceparent: true, trustedHops: 1 });
  });
  after(async () => {
    await door.stop();
    collector.close();
    collector.closeAllConnections();
  });

  it('belong to the trace of a client that is trusted, and the service continues them', async () => {
    const headers = {
      ...{ traceparent: `00-${traceId}-b7ad6b7169203331-01`, 'user-agent': 'app-of-ada/1.0' },
      'x-forwarded-for': '203.0.113.9',
    };
    await call(door, { path: '/api/v1/users/u1/posts?pageToken=s3cret', headers });
    const forwarded = door.upstream.calls[0]?.metadata.get('traceparent') ?? '';
    assert.match(forwarded, new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    assert.notEqual(forwarded, headers.traceparent);
    const bytes = await exported;
    assert.ok(bytes.includes(Buffer.from(traceId, 'hex')));
    assert.ok(bytes.includes('gateway'));
    assert.ok(!bytes.includes('s3cret') && !bytes.includes('pageToken'), 'no query');
    assert.ok(!bytes.includes('app-of-ada') && !bytes.includes('203.0.113.9'), 'nothing of the client');
  });

  it('begin a trace when the client brings none', async () => {
    door.upstream.reset();
    await call(door, { path: '/api/v1/posts/p1' });
    assert.match(door.upstream.calls[0]?.metadata.get('traceparent') ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });
});
