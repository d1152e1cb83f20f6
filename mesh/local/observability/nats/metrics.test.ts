import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { exporters } from '../../../observability/lint/exporters.ts';
import { readNatsMetrics } from './metrics.ts';

const varz = { server_id: 'N1', server_name: 'nats "one"', connections: 4, mem: 9, slow_consumers: 1, in_msgs: 7 };
const consumer = { name: 'feed-fanout', num_pending: 3, num_ack_pending: 2, num_redelivered: 1 };
const stream = { name: 'EVENTS', state: { messages: 12, bytes: 340 }, consumer_detail: [consumer] };
const jsz = { account_details: [{ name: 'OXO', stream_detail: [stream] }] };

/** Answers as the monitoring port of NATS does. */
async function standIn(t: TestContext, status = 200): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(status).end(JSON.stringify(request.url?.startsWith('/varz') === true ? varz : jsz));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a server, its streams and their consumers are told by the names of its exporter', async (t) => {
  const text = await readNatsMetrics(await standIn(t));
  const labels = 'account="OXO",server_id="N1",server_name="nats \\"one\\"",stream_name="EVENTS"';
  for (const line of [
    '# TYPE gnatsd_varz_connections gauge',
    'gnatsd_varz_connections{server_id="N1"} 4',
    '# TYPE gnatsd_varz_in_msgs counter',
    'gnatsd_varz_in_msgs{server_id="N1"} 7',
    'gnatsd_varz_out_msgs{server_id="N1"} 0',
    `jetstream_stream_total_messages{${labels}} 12`,
    `jetstream_consumer_num_pending{${labels},consumer_name="feed-fanout"} 3`,
  ])
    assert.ok(text.split('\n').includes(line), `${line} in:\n${text}`);
});

test('what is told is what dashboards and alerts ask for, and all of it', async (t) => {
  const text = await readNatsMetrics(await standIn(t));
  const told = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  const listed = exporters.find(({ source }) => source.startsWith('prometheus-nats-exporter'))?.metrics ?? {};
  assert.deepEqual(told.sort(), Object.keys(listed).sort());
});

test('a server that refuses is told to whoever asked', async (t) => {
  await assert.rejects(readNatsMetrics(await standIn(t, 503)), /answered 503/);
});
