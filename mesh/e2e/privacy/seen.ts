import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listDeadLetters } from '#kit/events/consumers/dead-letters.ts';
import { connectOnce } from '../../local/servers/nats.ts';
import type { SpanSink } from '../testing/spans.ts';
import type { World } from '../testing/world.ts';
import type { Marks } from './marks.ts';
import type { Teller } from './teller.ts';

/** What the world is told, and whoever looks for it. */
export type Watch = { readonly teller: Teller; readonly sink: SpanSink };

/** What operators see, by where they see it. */
export type Seen = ReadonlyMap<string, string>;

/** All logs, all spans, all metrics, and why events were given up. @param more pages of metrics */
export async function seeAll(world: World, sink: SpanSink, more: readonly string[] = []): Promise<Seen> {
  const { stack } = world;
  const seen = new Map(logsOf(world));
  seen.set('the spans', sink.text());
  const { operations, envoyAdmin, natsMonitor } = stack.urls;
  const metrics = [
    ...Object.values(operations).flatMap((url) => [`${url}/metrics`, `${url}/readyz`]),
    ...[`${envoyAdmin}/stats/prometheus`, `${envoyAdmin}/stats`],
    ...['varz', 'jsz?consumers=true&config=true', 'connz'].map((page) => `${natsMonitor}/${page}`),
    ...more,
  ];
  for (const url of metrics) seen.set(`the metrics of ${url}`, await (await fetch(url)).text());
  seen.set('the reasons of dead letters', JSON.stringify(await deadLettersOf(world)));
  return seen;
}

/** By the name of the process. */
export function logsOf({ stack: { logDir } }: World): [name: string, text: string][] {
  const files = readdirSync(logDir).filter((name) => /\.log(\.1)?$/.test(name));
  return files.map((name) => [`the log ${name}`, readFileSync(join(logDir, name), 'utf8')]);
}

async function deadLettersOf({ stack }: World): Promise<unknown> {
  const connection = await connectOnce(stack.urls.nats);
  try {
    return (await listDeadLetters(connection, 100)).map(({ reason, subject, consumer }) => [reason, subject, consumer]);
  } finally {
    await connection.close();
  }
}

/** Whatever is marked and seen, as "Login.password (base64) in the log auth.log". */
export function leaksOf(marks: Marks, seen: Seen): string[] {
  return [...seen].flatMap(([where, text]) => marks.seenIn(text).map((what) => `${what} in ${where}`));
}
