import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createChannel, createClient } from 'nice-grpc';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import { type FrontDoor, startFrontDoor } from '../testing/front-door.ts';
import { type Answer, assertError, call, post } from '../testing/http.ts';

const GET_POST = '/oxo.post.v1.PostService/GetPost';
const CREATE_POST = '/oxo.post.v1.PostService/CreatePost';
const READS = 4;
const WRITES = 2;
const BUSY = { status: 503, code: 14, reason: 'UNAVAILABLE' };

describe('more requests than a service may have in hand', () => {
  let door: FrontDoor;
  let release: () => void;
  before(async () => {
    door = await startFrontDoor({ maxRequests: { reads: READS, writes: WRITES } });
  });
  beforeEach(() => {
    door.upstream.reset();
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    door.upstream.answer(GET_POST, () => held);
    door.upstream.answer(CREATE_POST, () => held);
  });
  after(() => door.stop());

  const read = (): Promise<Answer> => call(door, { path: '/api/v1/posts/p1' });
  const write = (): Promise<Answer> => post(door, '/api/v1/posts', '{"text":"a"}');
  const times = <Result>(count: number, work: () => Promise<Result>) =>
    Promise.all(Array.from({ length: count }, work));
  const arrived = (count: number): Promise<void> => door.upstream.arrived(count);

  it('are refused at once, with Retry-After, and what was let in is answered', async () => {
    const admitted = times(READS, read);
    await arrived(READS);
    for (const answer of await times(50, read)) {
      assert.match(assertError(answer, BUSY), /busy/);
      assert.equal(answer.headers['retry-after'], '1');
    }
    assert.equal(door.upstream.calls.length, READS);
    release();
    assert.deepEqual(
      (await admitted).map(({ status }) => status),
      Array.from({ length: READS }, () => 200),
    );
    assert.equal((await read()).status, 200, 'the load is gone, and so is the refusal');
  });

  it('are refused by kind: reads do not take the places of writes, nor writes those of reads', async () => {
    const reads = times(READS, read);
    await arrived(READS);
    const writes = times(WRITES, write);
    await arrived(READS + WRITES);
    assertError(await read(), BUSY);
    assertError(await write(), BUSY);
    release();
    for (const { status } of [...(await reads), ...(await writes)]) assert.equal(status, 200);
  });

  it('gives back the place of a client that goes away', async () => {
    const stop = new AbortController();
    const url = `http://${door.host}:${door.port}/api/v1/posts/p1`;
    const left = times(READS, () => fetch(url, { signal: stop.signal }).catch(() => undefined));
    await arrived(READS);
    stop.abort();
    await left;
    door.upstream.answer(GET_POST, () => undefined);
    // Envoy hears of it in its own time, but soon.
    let status = 503;
    for (let tries = 0; tries < 500 && status === 503; tries += 1) ({ status } = await read());
    assert.equal(status, 200);
    release();
  });

  it('are UNAVAILABLE for gRPC clients', async () => {
    const admitted = times(READS, read);
    await arrived(READS);
    const channel = createChannel(`${door.host}:${door.port}`);
    await assert.rejects(createClient(PostServiceDefinition, channel).getPost({ id: 'p1' }), { code: 14 });
    channel.close();
    release();
    await admitted;
  });

  it('leave other services alone, and Envoy says that it is ready', async () => {
    const admitted = times(READS, read);
    await arrived(READS);
    assert.equal((await call(door, { path: '/api/v1/users/u1' })).status, 200);
    assert.equal((await call({ host: door.host, port: door.adminPort }, { path: '/ready' })).status, 200);
    assert.equal((await call(door, { path: '/.well-known/jwks.json' })).status, 200);
    release();
    await admitted;
  });
});
