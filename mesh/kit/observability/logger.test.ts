import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createLogger } from '#kit/observability/logger.ts';
import '#kit/observability/telemetry.ts';
import { extractTrace, NO_TRACE, withRequestId, withTraceContext } from '#kit/observability/trace.ts';

function capture(): { lines: Record<string, unknown>[]; logger: ReturnType<typeof createLogger> } {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { lines, logger: createLogger({ service: 'post', level: 'debug', destination }) };
}

test('writes one JSON object a line', () => {
  const { lines, logger } = capture();
  logger.info({ rpc: 'CreatePost' }, 'done');
  const { time, ...line } = lines[0] ?? {};
  assert.deepEqual(line, { level: 'info', service: 'post', rpc: 'CreatePost', msg: 'done' });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('redacts secrets wherever they stand, and leaves the caller its object', () => {
  const { lines, logger } = capture();
  const request = {
    email: 'ann@example.org',
    headers: { Authorization: 'Bearer x', 'set-cookie': 'a=b' },
    list: [{ newPassword: 'p', accessToken: 't', clientSecret: 's', note: 'kept' }],
    empty: { token: '' },
  };
  logger.info(request, 'in');
  const { email, headers, list, empty } = lines[0] ?? {};
  const hidden = '[redacted]';
  assert.deepEqual(
    { email, headers, list, empty },
    {
      email: hidden,
      headers: { Authorization: hidden, 'set-cookie': hidden },
      list: [{ newPassword: hidden, accessToken: hidden, clientSecret: hidden, note: 'kept' }],
      empty: { token: '' },
    },
  );
  assert.equal(request.list[0]?.newPassword, 'p');
});

test('writes an error with code, stack and cause, without addresses, tokens and the values of a row', () => {
  const { lines, logger } = capture();
  const cause = Object.assign(new Error('duplicate key'), {
    code: '23505',
    detail: 'Key (email)=(ann@example.org) already exists.',
  });
  logger.error(
    { err: new Error('no mail to ann@example.org with eyJhbGciOiJSUzI1NiJ9.eyJzdWIi.c2ln', { cause }) },
    'failed',
  );
  const err = lines[0]?.err as Record<string, unknown>;
  assert.equal(err.message, 'no mail to [redacted] with [redacted]');
  assert.match(String(err.stack), /logger\.test\.ts/);
  assert.equal((err.cause as Record<string, unknown>).code, '23505');
  assert.doesNotMatch(JSON.stringify(lines), /ann@example/);
});

test('names the trace that is active', () => {
  const { lines, logger } = capture();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
  withTraceContext(extractTrace({ traceparent }), () => logger.info('inside'));
  logger.info('outside');
  assert.equal(lines[0]?.trace_id, '0af7651916cd43dd8448eb211c80319c');
  assert.equal(lines[0]?.span_id, 'b7ad6b7169203331');
  assert.equal(lines[1]?.trace_id, undefined);
});

test('tells of each line that is written, and of no other', () => {
  const levels: string[] = [];
  const destination = { write: () => undefined };
  const logger = createLogger({ service: 'post', destination, onLine: (level) => levels.push(level) });
  logger.debug('not written');
  logger.info('written');
  logger.child({ part: 'of it' }).error('written too');
  assert.deepEqual(levels, ['info', 'error']);
});

test('names the request that is worked on, unless the line says another', () => {
  const { lines, logger } = capture();
  withTraceContext(withRequestId(NO_TRACE, 'r1'), () => {
    logger.info('inside');
    logger.info({ requestId: 'r2' }, 'another');
  });
  logger.info('outside');
  assert.deepEqual(
    lines.map(({ requestId }) => requestId),
    ['r1', 'r2', undefined],
  );
});

test('writes no address and no token wherever it stands, but ids of keys', () => {
  const { lines, logger } = capture();
  const token = 'k8Qm2Zr0b1nU5tYx7cVw9eHsK2rLp8dGa6fWo3iZyE1';
  const key = 'oxo_01938c2f59e87a31b6c40d1e2f3a4b5c_Xk2v8Rm0';
  const fields = {
    detail: `no ${token} for jürgen@bücher.example`,
    list: [`${key}!`],
    url: '/verify?to=a%40b.example',
    otp: '123456',
  };
  const id = '01938c1d-7a5e-7c43-9d2b-5b1f0c6a7e11';
  logger.info(
    { ...fields, ip: '192.0.2.7', handle: 'ada', currentKid: token, droppedKids: [token], userId: id },
    'said',
  );
  const { time, level, service, msg, ...said } = lines[0] ?? {};
  const hidden = '[redacted]';
  assert.deepEqual(said, {
    ...{ detail: `no ${hidden} for ${hidden}`, list: [`${hidden}!`], url: `/verify?to=${hidden}`, otp: hidden },
    ...{ ip: hidden, handle: hidden, currentKid: token, droppedKids: [token], userId: id },
  });
});

test('writes an error of many lines as one, without the value that Postgres quotes', () => {
  const { lines, logger } = capture();
  const message = 'invalid input syntax for type uuid: "what she wrote\nin two lines"';
  logger.error({ err: Object.assign(new Error(message), { code: '22P02' }) }, 'failed');
  const { message: told, stack } = (lines[0]?.err ?? {}) as Record<string, string>;
  assert.equal(told, 'invalid input syntax for type uuid: "[redacted]"');
  assert.match(stack ?? '', /logger\.test\.ts/);
  assert.doesNotMatch(stack ?? '', /she wrote|two lines/);
});

test('a disk without room for the log ends nobody', async () => {
  const script = `
    import { createLogger } from '#kit/observability/logger.ts';
    const logger = createLogger({ service: 'test' });
    for (let line = 0; line < 2_000; line++) logger.info({ line, padding: 'x'.repeat(1_000) }, 'no room');
    setTimeout(() => { logger.info('still there'); process.exitCode = 7; }, 20);`;
  const full = openSync('/dev/full', 'w');
  try {
    const args = ['--input-type=module-typescript', '-e', script];
    const child = spawn(process.execPath, args, { stdio: ['ignore', full, 'pipe'], cwd: import.meta.dirname });
    const [[code], said] = await Promise.all([once(child, 'exit'), text(child.stderr as Readable)]);
    assert.equal(code, 7, said);
  } finally {
    closeSync(full);
  }
});
