import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '#kit/testing/ports.ts';
import { startNode, type TestProcess } from '#kit/testing/process.ts';
import { until } from '#kit/testing/until.ts';

const TELEMETRY = fileURLToPath(new URL('../observability/telemetry.ts', import.meta.url));
const FIXTURE = fileURLToPath(new URL('../testing/fixtures/service.ts', import.meta.url));

interface Line {
  level: string;
  msg: string;
  problems?: string[];
  err?: { message: string; stack: string };
}

async function start(
  t: test.TestContext,
  mode: string,
  ready = true,
): Promise<{ service: TestProcess; opsUrl: string }> {
  const port = await freePort();
  const opsUrl = `http://127.0.0.1:${port}`;
  const service = await startNode({
    args: ['--import', TELEMETRY, FIXTURE],
    env: { MODE: mode, OPS_PORT: String(port) },
    readyUrl: ready ? `${opsUrl}/readyz` : undefined,
  });
  t.after(() => service.stop('SIGKILL'));
  return { service, opsUrl };
}

function lines(service: TestProcess): Line[] {
  return service
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
}

function messages(service: TestProcess): string[] {
  return lines(service).map(({ msg }) => msg);
}

test('tells its version and how much it logs', async (t) => {
  const { opsUrl } = await start(t, 'good');
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  assert.match(text, /^oxo_build_info\{version="\d+\.\d+\.\d+"\} 1$/m);
  assert.match(text, /^oxo_log_lines_total\{level="info"\} 1$/m);
  assert.match(text, /^oxo_log_lines_total\{level="error"\} 0$/m);
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} closes in reverse order and exits with 0`, async (t) => {
    const { service } = await start(t, 'good');
    assert.equal(await service.stop(signal), 0);
    assert.deepEqual(messages(service), [
      'ready',
      'stopping',
      'told to stop',
      'closed second',
      'closed first',
      'stopped',
    ]);
  });
}

test('what cannot be closed does not keep the rest open', async (t) => {
  for (const mode of ['close-fails', 'close-hangs']) {
    const { service } = await start(t, mode);
    assert.equal(await service.stop('SIGTERM'), 0);
    assert.deepEqual(messages(service).slice(-3), ['could not close', 'closed first', 'stopped']);
  }
});

test('is not ready while it drains, and a second signal ends it at once', async (t) => {
  const { service, opsUrl } = await start(t, 'close-hangs');
  process.kill(service.pid, 'SIGTERM');
  await until('it drains', async () => (await fetch(`${opsUrl}/readyz`)).status === 503);
  process.kill(service.pid, 'SIGTERM');
  assert.equal(await service.exited, 1);
});

test('a signal during a long start ends it with 0', async (t) => {
  const { service, opsUrl } = await start(t, 'start-hangs', false);
  await until('it lives', async () => (await fetch(`${opsUrl}/livez`)).ok);
  assert.equal((await fetch(`${opsUrl}/readyz`)).status, 503);
  assert.equal(await service.stop('SIGTERM'), 0);
  assert.ok(messages(service).includes('closed first'));
});

test('a bad configuration and a failing start are said clearly and exit with 1', async (t) => {
  const bad = await start(t, 'bad-config', false);
  assert.equal(await bad.service.exited, 1);
  assert.deepEqual(lines(bad.service)[0]?.problems, ['Bad settings:', '  OPS_PORT: is not set']);

  const failing = await start(t, 'start-fails', false);
  assert.equal(await failing.service.exited, 1);
  assert.equal(lines(failing.service)[0]?.err?.message, 'no database');
  assert.deepEqual(messages(failing.service).slice(-3), ['closed second', 'closed first', 'stopped']);
});

test('an error that nobody caught is logged with its stack, and everything is closed', async (t) => {
  for (const [mode, message] of [
    ['crash', 'nobody caught this'],
    ['rejection', 'nobody awaited this'],
  ] as const) {
    const { service } = await start(t, mode, false);
    assert.equal(await service.exited, 1);
    const fatal = lines(service).find(({ level }) => level === 'fatal');
    assert.equal(fatal?.err?.message, message);
    assert.match(fatal.err.stack, /service\.ts/);
    assert.deepEqual(messages(service).slice(-3), ['closed second', 'closed first', 'stopped']);
  }
});
