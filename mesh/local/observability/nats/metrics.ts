/**
 * How NATS does, for Prometheus: by its monitoring port, under the names that its own exporter has
 * (github.com/nats-io/prometheus-nats-exporter, which no registry had for us), so that dashboards and alerts fit both.
 */
import { z } from 'zod';

const timeoutMs = 3_000;
const maxBytes = 8 * 1024 * 1024;

const count = z.number().default(0);
const varzSchema = z.object({
  server_id: z.string(),
  server_name: z.string().default(''),
  version: z.string().default(''),
  ...{
    connections: count,
    total_connections: count,
    max_connections: count,
    subscriptions: count,
    slow_consumers: count,
  },
  ...{ in_msgs: count, out_msgs: count, in_bytes: count, out_bytes: count, mem: count, cpu: count },
});
const consumerSchema = z.object({
  name: z.string(),
  delivered: z.object({ consumer_seq: count, stream_seq: count }),
  ack_floor: z.object({ consumer_seq: count, stream_seq: count }),
  ...{ num_ack_pending: count, num_redelivered: count, num_waiting: count, num_pending: count },
});
const streamSchema = z.object({
  name: z.string(),
  state: z.object({
    ...{ messages: count, bytes: count, first_seq: count, last_seq: count, consumer_count: count, num_subjects: count },
  }),
  config: z.object({ max_bytes: count, max_msgs: count }).optional(),
  consumer_detail: z.array(consumerSchema).default([]),
});
const jszSchema = z.object({
  ...{ memory: count, storage: count, streams: count, consumers: count, messages: count, bytes: count },
  config: z.object({ max_memory: count, max_storage: count }).optional(),
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
    read(`${monitorUrl}/jsz?accounts=true&streams=true&consumers=true&config=true`).then((answer) =>
      jszSchema.parse(answer),
    ),
  ]);
  return renderFamilies([...serverFamilies(varz, jsz), ...streamFamilies(varz, jsz), ...consumerFamilies(varz, jsz)]);
}

async function read(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  const text = await response.text();
  if (!response.ok || text.length > maxBytes) throw new Error(`${url} answered ${response.status}`);
  return JSON.parse(text);
}

type Varz = z.infer<typeof varzSchema>;
type Jsz = z.infer<typeof jszSchema>;

function serverFamilies(varz: Varz, jsz: Jsz): Family[] {
  const labels = { server_id: varz.server_id };
  const own = { server_id: varz.server_id, server_name: varz.server_name };
  const gauge = (name: string, value: number): Family => ({ name, type: 'gauge', samples: [{ labels, value }] });
  const counter = (name: string, value: number): Family => ({ name, type: 'counter', samples: [{ labels, value }] });
  const jetstream = (name: string, value: number): Family => {
    return { name: `jetstream_server_${name}`, type: 'gauge', samples: [{ labels: own, value }] };
  };
  return [
    { name: 'gnatsd_varz_info', type: 'gauge', samples: [{ labels: { ...own, version: varz.version }, value: 1 }] },
    ...(['connections', 'max_connections', 'subscriptions', 'mem', 'cpu'] as const).map((field) =>
      gauge(`gnatsd_varz_${field}`, varz[field]),
    ),
    ...(['total_connections', 'slow_consumers', 'in_msgs', 'out_msgs', 'in_bytes', 'out_bytes'] as const).map((field) =>
      counter(`gnatsd_varz_${field}`, varz[field]),
    ),
    jetstream('total_streams', jsz.streams),
    jetstream('total_consumers', jsz.consumers),
    jetstream('total_messages', jsz.messages),
    jetstream('total_message_bytes', jsz.bytes),
    jetstream('memory_bytes_used', jsz.memory),
    jetstream('storage_bytes_used', jsz.storage),
    jetstream('max_memory', jsz.config?.max_memory ?? 0),
    jetstream('max_storage', jsz.config?.max_storage ?? 0),
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
  return [
    family('total_messages', ({ state }) => state.messages),
    family('total_bytes', ({ state }) => state.bytes),
    family('first_seq', ({ state }) => state.first_seq),
    family('last_seq', ({ state }) => state.last_seq),
    family('consumer_count', ({ state }) => state.consumer_count),
    family('subject_count', ({ state }) => state.num_subjects),
    family('limit_bytes', ({ config }) => config?.max_bytes ?? 0),
    family('limit_messages', ({ config }) => config?.max_msgs ?? 0),
  ];
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
    family('delivered_consumer_seq', ({ delivered }) => delivered.consumer_seq),
    family('delivered_stream_seq', ({ delivered }) => delivered.stream_seq),
    family('ack_floor_consumer_seq', ({ ack_floor }) => ack_floor.consumer_seq),
    family('ack_floor_stream_seq', ({ ack_floor }) => ack_floor.stream_seq),
    family('num_ack_pending', ({ num_ack_pending }) => num_ack_pending),
    family('num_redelivered', ({ num_redelivered }) => num_redelivered),
    family('num_waiting', ({ num_waiting }) => num_waiting),
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
