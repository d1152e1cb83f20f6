import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import type { Cases } from '../testing/cases.ts';
import { type ApiRequest, refusal } from '../testing/client.ts';
import { readPosts, signUp } from '../testing/people.ts';
import { undisturbed } from './bystander.ts';
import { exchangeRaw, openRaw, statusesOf } from './sockets.ts';

const head = (token: string, more: string): string =>
  `POST /api/v1/posts HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n${more}\r\n`;

/** Bodies and addresses that are too much, or not what they say. */
export const bodies: Cases = {
  'a body without end is refused when it is too large': async (world) => {
    const author = await signUp(world.api);
    await undisturbed(world, async () => {
      for (const framing of ['transfer-encoding: chunked\r\n', 'content-length: 1000000000\r\n']) {
        const client = await openRaw(world);
        await client.send(head(author.accessToken, framing));
        const chunk = `${framing.startsWith('t') ? '4000\r\n' : ''}${'a'.repeat(0x4000)}\r\n`;
        for (let sent = 0; sent < 2_000 && client.received() === ''; sent += 1) await client.send(chunk);
        await client.finished(3_000);
        assert.deepEqual(statusesOf(client.received()), [413], framing);
        assert.match(client.received(), /"reason":"BODY_TOO_LARGE"/);
        client.destroy();
      }
    });
  },

  'a length that is not true posts nothing': async (world) => {
    const author = await signUp(world.api);
    const body = '{"text":"short"}';
    const short = await openRaw(world);
    await short.send(`${head(author.accessToken, `content-length: ${body.length + 10}\r\n`)}${body}`);
    short.socket.end();
    await short.finished(1_000);
    short.destroy();
    const long = `${head(author.accessToken, 'content-length: 16\r\n')}${body}GET /api/v1/nowhere`;
    assert.equal(statusesOf(await exchangeRaw(world, long))[0], 201, 'what is behind the body is another request');
    const wrong = ['-1', '1e3', '0x10', '16, 17', '99999999999999999999', ' ', '+16'];
    const answers = wrong.map(async (length) => {
      const answer = await exchangeRaw(world, `${head(author.accessToken, `content-length: ${length}\r\n`)}${body}`);
      assert.deepEqual(statusesOf(answer), [400], `${length}: ${answer}`);
      assert.match(answer, /"reason":"REQUEST_MALFORMED"/);
    });
    await Promise.all(answers);
    assert.equal((await readPosts(world.api, author)).length, 1);
  },

  'a compressed body is refused, whatever is in it': async (world) => {
    const { accessToken: token } = await signUp(world.api);
    const bomb = gzipSync(Buffer.from(`{"text":"${'a'.repeat(10_000_000)}"}`));
    for (const encoding of ['gzip', 'deflate', 'br']) {
      const request: ApiRequest = {
        ...{ method: 'POST', path: '/posts', token, body: bomb },
        headers: { 'content-encoding': encoding },
      };
      const { status, reason } = await refusal(world.api, request);
      assert.deepEqual([status, reason], [400, 'REQUEST_MALFORMED'], encoding);
    }
  },

  'deep and strange JSON is refused or ignored, and harms nobody': async (world) => {
    const { accessToken: token } = await signUp(world.api);
    const deep = 10_000;
    const malformed = [
      `{"text":${'['.repeat(deep)}${']'.repeat(deep)}}`,
      `{"text":${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}}`,
      `{"nope":${'['.repeat(deep)}${']'.repeat(deep)},"text":"a"}`,
      `{"text":"a","text":"b","visibility":${'1'.repeat(1_000)}}`,
      `{"visibility":${'9'.repeat(60_000)}}`,
      `{"text":1e${'9'.repeat(1_000)}}`,
      `{${Array.from({ length: 6_000 }, (_, n) => `"k${n}":1`).join()}`,
    ];
    await undisturbed(world, async () => {
      for (const body of malformed) {
        const { status, reason } = await refusal(world.api, {
          ...{ method: 'POST', path: '/posts', token },
          body: Buffer.from(body),
        });
        assert.ok(status === 400 && ['REQUEST_MALFORMED', 'VALIDATION_FAILED'].includes(reason), body.slice(0, 40));
      }
    });
  },

  'absurd paths and queries are refused': async (world) => {
    const author = await signUp(world.api);
    const path = `/users/${author.id}/posts`;
    const refused: [string, number][] = [
      [`${path}?${Array.from({ length: 1_000 }, (_, n) => `p${n}=1`).join('&')}`, 400],
      [`${path}?${'%'.repeat(3_000)}`, 400],
      [`${path}?pageToken=${'a'.repeat(11_000)}`, 400],
      [`${path}?pageToken=${'a'.repeat(20_000)}`, 431],
      [`/${'a/'.repeat(5_000)}`, 404],
      [`/${'../'.repeat(3_000)}etc/passwd`, 404],
      [`/users/${'%2e%2e%2f'.repeat(500)}`, 400],
      [`/posts/${'%00'.repeat(100)}`, 400],
      [`/users/by-handle/${'a'.repeat(10_000)}`, 404],
      [`/users/by-handle/${'%f0%9f%98%80'.repeat(500)}`, 404],
    ];
    await undisturbed(world, async () => {
      for (const [target, status] of refused) {
        const answer = await refusal(world.api, { path: target });
        assert.equal(answer.status, status, target.slice(0, 60));
      }
    });
  },
};
