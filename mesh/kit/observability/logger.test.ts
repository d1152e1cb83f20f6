import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createLogger } from '#kit/observability/logger.ts';
import '#kit/observability/telemetry.ts';
import { extractTrace, withTraceContext } from '#kit/observability/trace.ts';

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
