import type { NatsConnection } from '@nats-io/transport-node';
import { systemClock } from '#kit/clock.ts';
import type { Durable } from '#kit/events/consumers/durables.ts';
import { CliError } from '../../cli/cli-error.ts';
import { parseFlags } from '../../cli/command.ts';
import { withEvents } from '../../events/connection.ts';
import { type Range, type ReplayResult, replayRange } from '../../events/replay-range.ts';
import { durablesOf, services } from '../../services.ts';
import { readTime } from './time.ts';

export const defaultRate = 500;
export const maxRate = 10_000;
const progressIntervalMs = 2_000;

export async function replay(argv: readonly string[]): Promise<number> {
  const { values } = parseFlags(argv, {
    since: { type: 'string' },
    until: { type: 'string' },
    schema: { type: 'string' },
    consumer: { type: 'string' },
    rate: { type: 'string', default: String(defaultRate) },
    'dry-run': { type: 'boolean', default: false },
  });
  if (values.since === undefined) throw new CliError('--since TIME is missing', { exitCode: 2 });
  const nowMs = systemClock.nowMs();
  const range: Range = {
    since: readTime('--since', values.since, nowMs),
    until: values.until === undefined ? undefined : readTime('--until', values.until, nowMs),
    source: readSource(values.schema),
  };
  if (range.until !== undefined && range.until <= range.since) {
    throw new CliError('--until must be later than --since', { exitCode: 2 });
  }
  const durables = await readConsumers(values.consumer);
  const [rate, dryRun] = [readRate(values.rate), values['dry-run']];
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  const run = (connection: NatsConnection) =>
    replayRange(connection, durables, range, { rate, dryRun, signal: stopping.signal, onProgress: progressPrinter() });
  return report(await withEvents(run), dryRun);
}

function readSource(schema: string | undefined): string | undefined {
  if (schema === undefined) return undefined;
  const publishers = services.filter((service) => service.publishes.length > 0);
  const publisher = publishers.find((service) => service.schema === schema);
  if (publisher !== undefined) return publisher.name;
  const known = publishers.map((service) => service.schema).join(', ');
  throw new CliError(`there is no schema "${schema}" with an outbox`, { exitCode: 2, advice: [`There are: ${known}`] });
}

async function readConsumers(name: string | undefined): Promise<readonly Durable[]> {
  const durables = (await Promise.all(services.map(durablesOf))).flat();
  const chosen = durables.filter((durable) => name === undefined || durable.name === name);
  if (chosen.length > 0) return chosen;
  const known = durables.map((durable) => durable.name).join(', ');
  throw new CliError(`there is no consumer "${name}"`, { exitCode: 2, advice: [`There are: ${known}`] });
}

function readRate(text: string): number {
  const rate = Number(text);
  if (Number.isInteger(rate) && rate >= 1 && rate <= maxRate) return rate;
  throw new CliError(`--rate must be a number from 1 to ${maxRate}, not "${text}"`, { exitCode: 2 });
}

function progressPrinter(): (done: number, at: Date) => void {
  let dueMs = performance.now() + progressIntervalMs;
  return (done, at) => {
    if (performance.now() < dueMs) return;
    dueMs = performance.now() + progressIntervalMs;
    console.log(`  … ${done} events, those until ${at.toISOString()}`);
  };
}

function report(result: ReplayResult, dryRun: boolean): number {
  const { events, consumers, expiredBefore, resumeAt, behind, newDeadLetters } = result;
  if (expiredBefore !== undefined) console.log(`events from before ${expiredBefore.toISOString()} have expired`);
  const what = `${events} ${events === 1 ? 'event' : 'events'}`;
  const counts = [...consumers].map(([name, count]) => `${name} ${count}`).join(', ') || 'nobody reads them';
  console.log(`${what} ${dryRun ? 'would be delivered' : 'published'} again: ${counts}`);
  if (resumeAt !== undefined) {
    console.log(`interrupted; --since ${resumeAt.toISOString()} goes on`);
    return 130;
  }
  if (dryRun) return 0;
  if (newDeadLetters > 0) console.log(`${newDeadLetters} were given up: ./oxo dead-letters list`);
  console.log(
    behind === 0 ? 'all of them are handled' : `${behind} are still to be handled; ./oxo status shows how far they are`,
  );
  return newDeadLetters === 0 ? 0 : 1;
}
