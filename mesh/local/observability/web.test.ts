import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryFolder } from '../testing/temporary.ts';
import { openTraceStore } from './traces/store.ts';
import { serveTelemetry } from './web.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const json = { 'content-type': 'application/json' };

async function serve(t: TestContext, natsMonitorUrl?: string) {
  const store = openTraceStore(temporaryFolder(), Date.now);
  const nowMs = () => Date.now();
  const served = await serveTelemetry({ store, port: 0, prometheusUrl: 'http://127.0.0.1:1', natsMonitorUrl, nowMs });
  t.after(served.close);
  return { ...served, store };
}

function exportOf(name: string, more: object = {}): string {
  const times = { startTimeUnixNano: '1700000000000000000', endTimeUnixNano: '1700000000100000000' };
  const spans = [{ traceId, spanId: 'b7ad6b7169203331', name, ...times, ...more }];
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'post' } }] };
  return JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] });
}

test('spans that are sent are listed, found and shown, and a name can be no mark-up', async (t) => {
  const { url } = await serve(t);
  const body = exportOf('<script>alert(1)</script>', {
    status: { code: 2, message: 'no "room"' },
    kind: 2,
    attributes: [{ key: 'guid:x-request-id', value: { stringValue: 'r-1' } }],
  });
  assert.equal((await fetch(`${url}/v1/traces`, { method: 'POST', headers: json, body })).status, 200);
  for (const path of ['/', '/?id=r-1', '/?service=post&errors=yes&slower=99', `/traces/${traceId}`, '/traces/r-1']) {
    const answer = await fetch(`${url}${path}`);
    const text = await answer.text();
    assert.match(text, /&#60;script&#62;alert/, path);
    assert.doesNotMatch(text, /<script|style="/, path);
    assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none'; style-src 'self';/);
  }
  for (const path of ['/?service=feed', '/?slower=101', '/?id=r-2'])
    assert.doesNotMatch(await (await fetch(`${url}${path}`)).text(), /&#60;script/, path);
  const found = (await (await fetch(`${url}/api/traces/r-1`)).json()) as { summary: object; spans: object[] };
  assert.partialDeepStrictEqual(found, { summary: { traceId, errors: 1 }, spans: [{ traceId }] });
  assert.equal((await fetch(`${url}/traces/r-2`)).status, 404);
  assert.equal((await fetch(`${url}/?slower=x`)).status, 400);
});

test('what is no export, too large, or from a page elsewhere is refused, and nothing of it is kept', async (t) => {
  const { url, store } = await serve(t);
  const post = async (headers: Record<string, string>, body: string | Buffer): Promise<number> =>
    (await fetch(`${url}/v1/traces`, { method: 'POST', headers, body })).status;
  assert.equal(await post(json, '{'), 400);
  assert.equal(await post(json, exportOf('a', { traceId: 'x' })), 400);
  assert.equal(await post({ 'content-type': 'application/x-protobuf' }, Buffer.from([0x0a, 0xff])), 400);
  // What a page may send without asking first.
  assert.equal(await post({ 'content-type': 'text/plain' }, exportOf('a')), 415);
  assert.equal(await post({ ...json, 'content-encoding': 'gzip' }, exportOf('a')), 415);
  const large = await post(json, Buffer.alloc(5 * 1024 * 1024)).catch(() => 413);
  assert.equal(large, 413);
  assert.equal((await fetch(`${url}/v1/traces`)).status, 405);
  assert.equal((await fetch(`${url}/`, { method: 'DELETE' })).status, 405);
  assert.equal(await statusWithHost(url, 'elsewhere.example'), 421);
  assert.deepEqual(store.all(), []);
});

/** fetch says a host of its own. */
function statusWithHost(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.once('error', reject).end();
  });
}

test('a NATS that gives no answer is a target that is down', async (t) => {
  const silent = createServer((_, response) => void response.writeHead(500).end());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.after(() => silent.close());
  const { url } = await serve(t, `http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
  assert.equal((await fetch(`${url}/nats/metrics`)).status, 503);
  assert.equal((await fetch(`${(await serve(t)).url}/nats/metrics`)).status, 404);
});

test('a request id that was said again leads to the latest trace, and names the others', async (t) => {
  const { url } = await serve(t);
  const attributes = [{ key: 'request_id', value: { stringValue: 'r-1' } }];
  const other = traceId.replaceAll('0', '1');
  for (const id of [traceId, other]) {
    const body = exportOf(id, { attributes, traceId: id });
    assert.equal((await fetch(`${url}/v1/traces`, { method: 'POST', headers: json, body })).status, 200);
  }
  const found = (await (await fetch(`${url}/api/traces/r-1`)).json()) as object;
  assert.partialDeepStrictEqual(found, { summary: { traceId: other }, others: [traceId] });
  assert.match(await (await fetch(`${url}/traces/r-1`)).text(), new RegExp(`Before it: <a href="/traces/${traceId}"`));
  const list = await (await fetch(`${url}/?id=r-1`)).text();
  for (const id of [traceId, other]) assert.match(list, new RegExp(`href="/traces/${id}"`));
});

test('settings that are missing or wrong are all named, and nothing starts', async () => {
  const env = { TELEMETRY_PORT: '0', PROMETHEUS_URL: 'secret' };
  const run = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts')], { env, encoding: 'utf8' });
  assert.equal(run.status, 1);
  for (const name of ['TELEMETRY_FOLDER', 'TELEMETRY_PORT', 'PROMETHEUS_URL'])
    assert.match(`${run.stdout}${run.stderr}`, new RegExp(name));
  assert.doesNotMatch(`${run.stdout}${run.stderr}`, /secret/);
});
