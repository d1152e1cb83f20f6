import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startNode } from '#kit/testing/process.ts';

const TELEMETRY = fileURLToPath(new URL('./telemetry.ts', import.meta.url));
const FIXTURE = fileURLToPath(new URL('../testing/fixtures/traced.ts', import.meta.url));

interface ExportRequest {
  path: string;
  body: string;
}

async function startCollector(t: test.TestContext): Promise<{ url: string; requests: ExportRequest[] }> {
  const requests: ExportRequest[] = [];
  const receive = async (request: IncomingMessage): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    requests.push({ path: request.url ?? '', body: Buffer.concat(chunks).toString('latin1') });
  };
  const server = createServer((request, response) => {
    void receive(request).then(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

async function run(env: Record<string, string>): Promise<string> {
  const child = await startNode({ args: ['--import', TELEMETRY, FIXTURE], env });
  assert.equal(await child.exited, 0, child.output());
  return child.output();
}

test('exports sampled spans to the collector before the process ends', async (t) => {
  const { url, requests } = await startCollector(t);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SERVICE_NAME: 'post', OTEL_TRACES_SAMPLER_ARG: '1' };
  assert.match(await run(env), /^00-\w{32}-\w{16}-01$/m);
  assert.deepEqual(
    requests.map(({ path }) => path),
    ['/v1/traces'],
  );
  for (const text of ['service.name', 'post', 'traced work', 'oxo']) assert.ok(requests[0]?.body.includes(text), text);
});

test('exports nothing of what is not sampled', async (t) => {
  const { url, requests } = await startCollector(t);
  await run({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_TRACES_SAMPLER_ARG: '0' });
  assert.equal(requests.length, 0);
});

test('a collector that is away harms nobody', async () => {
  await run({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_TRACES_SAMPLER_ARG: '1' });
});

test('without a collector nothing is recorded', async () => {
  assert.match(await run({}), /^no trace$/m);
});

test('a bad share of traces is said', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_TRACES_SAMPLER_ARG: '2' };
  const child = await startNode({ args: ['--import', TELEMETRY, FIXTURE], env });
  assert.equal(await child.exited, 1);
  assert.match(child.output(), /OTEL_TRACES_SAMPLER_ARG must be between 0 and 1, not "2"/);
});
