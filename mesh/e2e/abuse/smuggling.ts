import assert from 'node:assert/strict';
import type { Cases } from '../testing/cases.ts';
import { undisturbed } from './bystander.ts';
import { exchangeRaw, statusesOf } from './sockets.ts';

/** Answered when it is taken for a request of its own: 404, by nobody else. */
const smuggled = 'GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n';
const start = 'POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';
const size = smuggled.length.toString(16);

/** Heads on which two servers may disagree where the body ends. None may be answered as if it were sound. */
const ambiguous: Readonly<Record<string, string>> = {
  'length and chunks': `content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'chunks and length': `transfer-encoding: chunked\r\ncontent-length: ${smuggled.length + 5}\r\n\r\n0\r\n\r\n${smuggled}`,
  'two lengths': `content-length: 0\r\ncontent-length: ${smuggled.length}\r\n\r\n${smuggled}`,
  'two lengths in one': `content-length: 0, ${smuggled.length}\r\n\r\n${smuggled}`,
  'a length with a sign': `content-length: +${smuggled.length}\r\n\r\n${smuggled}`,
  'chunks, spelt otherwise': `transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'chunks twice': `transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'chunks, then another': `transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
  'a space before the colon': `content-length : ${smuggled.length}\r\n\r\n${smuggled}`,
  'a folded line': `content-length:\r\n ${smuggled.length}\r\n\r\n${smuggled}`,
  'a zero byte': `transfer-encoding: chunked\0\r\n\r\n0\r\n\r\n${smuggled}`,
  'a chunk size that is none': `transfer-encoding: chunked\r\n\r\n${size}g\r\n${smuggled}\r\n0\r\n\r\n`,
  'a chunk size with a sign': `transfer-encoding: chunked\r\n\r\n-1\r\n${smuggled}\r\n0\r\n\r\n`,
  'a chunk size without end': `transfer-encoding: chunked\r\n\r\n${'f'.repeat(40)}\r\n${smuggled}`,
};

/** Heads that hold no length as Envoy reads them: what follows is no body, and no request either. */
const withoutBody: Readonly<Record<string, string>> = {
  'a folded encoding': `x: a\r\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'a bare carriage return': `x: a\rtransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
};

/** Two requests in one, for servers that do not agree. */
export const smuggling: Cases = {
  'a request whose end is not clear is refused, and what follows it is no request': async (world) => {
    await undisturbed(world, async () => {
      const answers = Object.entries(ambiguous).map(async ([what, rest]) => {
        const answer = await exchangeRaw(world, start + rest);
        assert.deepEqual(statusesOf(answer), [400], `${what}: ${answer}`);
        assert.match(answer, /"reason":"REQUEST_MALFORMED"/, what);
        assert.match(answer, /\r\nconnection: close\r\n/, what);
      });
      await Promise.all(answers);
    });
  },

  'a line that is none hides no length': async (world) => {
    const answers = Object.entries(withoutBody).map(async ([what, rest]) => {
      const statuses = statusesOf(await exchangeRaw(world, start + rest));
      assert.equal(statuses.at(-1), 400, `${what}: ${statuses}`);
      assert.ok(!statuses.includes(404), what);
    });
    await Promise.all(answers);
  },

  'requests one behind the other on a connection are answered in their order': async (world) => {
    const twenty = Array.from(
      { length: 20 },
      (_, n) => `GET /api/v1/users/by-handle/nobody HTTP/1.1\r\nhost: a\r\nx-request-id: r${n}\r\n\r\n`,
    );
    const answer = await exchangeRaw(world, twenty.join(''));
    assert.deepEqual(
      [...answer.matchAll(/\r\nx-request-id: (r\d+)\r/g)].map(([, id]) => id),
      twenty.map((_, n) => `r${n}`),
    );
  },
};
