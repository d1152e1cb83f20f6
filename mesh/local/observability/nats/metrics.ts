/**
 * How NATS does, for Prometheus: by its monitoring port, under the names that its own exporter has
 * (github.com/nats-io/prometheus-nats-exporter, which no registry had for us), so that dashboards and alerts fit both: those that they ask for.
 */
import { z } from 'zod';

const timeoutMs = 3_000;
const maxBytes = 8 * 1024 * 1024;

const count = z.number().default(0);
const varzSchema = z.object({
  server_id: z.string(),
  server_name: z.string().default(''),
  ...{ connections: count, slow_consumers: count, mem: count },
  ...{ in_msgs: count, out_msgs: count, in_bytes: count, out_bytes: count },
});
const consumerSchema = z.object({
  name: z.string(),
  ...{ num_ack_pending: count, num_redelivered: count, num_pending: count },
});
const streamSchema = z.object({
  name: z.string(),
  state: z.object({ messages: count, bytes: count }),
  consumer_detail: z.array(consumerSchema).default([]),
});
const jszSchema = z.object({
  account_details: z
    .array(z.object({ name: z.string(), stream_detail: z.array(streamSchema).default([]) }))
    .default([]),
});

type Sample = { readonly labels: Readonly<Record<string, string>>; readonly value: number };
type Family = { readonly name: string; readonly type: 'counter' | 'gauge'; readonly samples: readonly Sample[] };

/** All metrics as Prometheus reads them. @param monitorUrl of NATS. Rejects when it gives no answer */
export async function readNatsMetrics(monitorUrl: string): Promise<string> {
  const [varz, jsz] = await Promise.all([
    read(`${monitorUrl}/varz`).then((answer) => varzSchema.parse(answer)),
    read(`${monitorUrl}/jsz?accounts=true&streams=true&consumers=true`).then((answer) => jszSchema.parse(answer)),
  ]);
  return renderFamilies([...serverFamilies(varz), ...streamFamilies(varz, jsz), ...consumerFamilies(varz, jsz)]);
}

async function read(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  const text = await response.text();
  if (!response.ok || text.length > maxBytes) throw new Error(`${url} answered ${response.status}`);
  return JSON.parse(text);
}

type Varz = z.infer<typeof varzSchema>;
type Jsz = z.infer<typeof jszSchema>;

function serverFamilies(varz: Varz): Family[] {
  const labels = { server_id: varz.server_id };
  const gauge = (name: string, value: number): Family => ({ name, type: 'gauge', samples: [{ labels, value }] });
  const counter = (name: string, value: number): Family => ({ name, type: 'counter', samples: [{ labels, value }] });
  return [
    ...(['connections', 'mem'] as const).map((field) => gauge(`gnatsd_varz_${field}`, varz[field])),
    ...(['slow_consumers', 'in_msgs', 'out_msgs', 'in_bytes', 'out_bytes'] as const).map((field) =>
      counter(`gnatsd_varz_${field}`, varz[field]),
    ),
  ];
}

type Stream = z.infer<typeof streamSchema>;

function streamsOf(varz: Varz, jsz: Jsz): { readonly labels: Record<string, string>; readonly stream: Stream }[] {
  return jsz.account_details.flatMap(({ name: account, stream_detail }) =>
    stream_detail.map((stream) => ({
      labels: { account, server_id: varz.server_id, server_name: varz.server_name, stream_name: stream.name },
      stream,
    })),
  );
}

function streamFamilies(varz: Varz, jsz: Jsz): Family[] {
  const streams = streamsOf(varz, jsz);
  const family = (name: string, value: (stream: Stream) => number): Family => ({
    name: `jetstream_stream_${name}`,
    type: 'gauge',
    samples: streams.map(({ labels, stream }) => ({ labels, value: value(stream) })),
  });
  return [family('total_messages', ({ state }) => state.messages), family('total_bytes', ({ state }) => state.bytes)];
}

function consumerFamilies(varz: Varz, jsz: Jsz): Family[] {
  const consumers = streamsOf(varz, jsz).flatMap(({ labels, stream }) =>
    stream.consumer_detail.map((consumer) => ({ labels: { ...labels, consumer_name: consumer.name }, consumer })),
  );
  const family = (name: string, value: (consumer: z.infer<typeof consumerSchema>) => number): Family => ({
    name: `jetstream_consumer_${name}`,
    type: 'gauge',
    samples: consumers.map(({ labels, consumer }) => ({ labels, value: value(consumer) })),
  });
  return [
    family('num_ack_pending', ({ num_ack_pending }) => num_ack_pending),
    family('num_redelivered', ({ num_redelivered }) => num_redelivered),
    family('num_pending', ({ num_pending }) => num_pending),
  ];
}

function renderFamilies(families: readonly Family[]): string {
  const lines = families.flatMap(({ name, type, samples }) => [
    `# TYPE ${name} ${type}`,
    ...samples.map(({ labels, value }) => `${name}{${renderLabels(labels)}} ${value}`),
  ]);
  return `${lines.join('\n')}\n`;
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const quote = (text: string): string =>
    text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${quote(value)}"`)
    .join();
}
