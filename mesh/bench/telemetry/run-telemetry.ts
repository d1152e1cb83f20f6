import { writeFileSync } from 'node:fs';
import { parseFlags, wholeNumber } from '../../local/cli/command.ts';
import { abortOnInterrupt } from '../../local/cli/interrupt.ts';
import { createProgress } from '../../local/cli/progress.ts';
import { feedRequests, postRequests } from '../crowd.ts';
import { startLoadProcess } from '../load/load-process.ts';
import { withCpu } from '../measure/context.ts';
import type { Tools } from '../running-stack-parts.ts';
import { type IdleUse, readCpu } from '../servers/cpu.ts';
import { untilThrough } from '../servers/own-stack.ts';
import { type Overhead, overheadOf, type Pair, renderOverhead, type Turn } from './overhead.ts';
import { type Side, startSide } from './stacks.ts';

/** Pairs of turns; the stack that is first takes turns as well. */
const pairs = 6;
const connections = 16;
const warmUpSeconds = 10;
/** Looking on goes on while nothing is asked: it belongs to what is compared. */
const nothing: IdleUse = new Map();

type Kind = 'reads' | 'posts';
const titles: Readonly<Record<Kind, string>> = {
  reads: 'GET /feed',
  posts: 'POST /posts, until 20 followers have it',
};
const kinds = Object.keys(titles) as Kind[];

type Options = {
  readonly seconds: number;
  readonly viewers: number;
  readonly tracedPercent: number;
  readonly jsonPath: string | undefined;
};

/**
 * Starts two stacks, one of which is looked at as by `./oxo up --observability`, and compares what the main paths cost in them.
 * @returns the exit code: 0 when it could be measured, whatever it was
 * @throws CliError on wrong flags, when a stack does not start, when requests fail, or when a signal ends it
 */
export async function runTelemetry(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  const signal = abortOnInterrupt('both stacks are stopped');
  const progress = createProgress();
  const load = startLoadProcess();
  signal.addEventListener('abort', load.stop, { once: true });
  try {
    const { all, watchersMsPerSecond } = await measure(options, { load, progress, signal });
    console.log(`\n${renderOverhead(all, watchersMsPerSecond, options.tracedPercent)}`);
    if (options.jsonPath !== undefined)
      writeFileSync(options.jsonPath, `${JSON.stringify({ all, watchersMsPerSecond }, null, 2)}\n`);
    return 0;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    progress.stop();
    load.stop();
  }
}

function readOptions(argv: readonly string[]): Options {
  const { values } = parseFlags(argv, {
    telemetry: { type: 'boolean' },
    json: { type: 'string' },
    seconds: { type: 'string', default: '10' },
    viewers: { type: 'string', default: '200' },
    // As a cluster has it.
    traced: { type: 'string', default: '1' },
  });
  return {
    seconds: wholeNumber('--seconds', values.seconds, 1, 300),
    viewers: wholeNumber('--viewers', values.viewers, 50, 10_000),
    tracedPercent: wholeNumber('--traced', values.traced, 0, 100),
    jsonPath: values.json,
  };
}

async function measure(
  { seconds, viewers, tracedPercent }: Options,
  tools: Tools,
): Promise<{ all: readonly Overhead[]; watchersMsPerSecond: number }> {
  const sides: Side[] = [];
  try {
    for (const observed of [false, true]) sides.push(await startSide({ observed, tracedPercent, viewers, ...tools }));
    const [without, observed] = sides as [Side, Side];
    for (const side of sides) await warmUp(side, tools);
    const watched = readCpu(observed.watching);
    const found = new Map<Kind, Pair[]>(kinds.map((kind) => [kind, []]));
    const phase = tools.progress.phase('in turn, with telemetry and without', pairs * kinds.length);
    for (let number = 0; number < pairs; number += 1) {
      for (const kind of kinds) {
        found.get(kind)?.push(await takePair(kind, [without, observed], number % 2 === 1, seconds, tools));
        phase.done();
      }
    }
    phase.end();
    const now = readCpu(observed.watching);
    const cpuMs = [...now.cpuMs].reduce((sum, [name, ms]) => sum + ms - (watched.cpuMs.get(name) ?? 0), 0);
    return {
      all: kinds.map((kind) => overheadOf(titles[kind], found.get(kind) ?? [])),
      watchersMsPerSecond: (cpuMs / (now.atMs - watched.atMs)) * 1_000,
    };
  } finally {
    await Promise.all(sides.map(({ stack }) => stack.stop()));
  }
}

/** Everybody reads, so that all have windows, and then posts and reads until the code is hot. */
async function warmUp({ crowd, target, stack }: Side, { load, signal }: Tools): Promise<void> {
  const requests = await feedRequests(crowd.viewers, target);
  const job = { target, connections, seconds: warmUpSeconds };
  await load.run({ ...job, requests, expectedStatus: 200, inOrder: true });
  await load.run({ ...job, requests: await postRequests(crowd.viewers, target), expectedStatus: 201 });
  await untilThrough(stack, signal);
}

async function takePair(
  kind: Kind,
  [without, observed]: readonly [Side, Side],
  isObservedFirst: boolean,
  seconds: number,
  tools: Tools,
): Promise<Pair> {
  if (!isObservedFirst) {
    const first = await takeTurn(kind, without, seconds, tools);
    return { without: first, with: await takeTurn(kind, observed, seconds, tools) };
  }
  const first = await takeTurn(kind, observed, seconds, tools);
  return { with: first, without: await takeTurn(kind, without, seconds, tools) };
}

async function takeTurn(
  kind: Kind,
  { stack, crowd, target, serving }: Side,
  seconds: number,
  { load, signal }: Tools,
): Promise<Turn> {
  const requests = await (kind === 'reads' ? feedRequests : postRequests)(crowd.viewers, target);
  const job = { target, connections, seconds, requests, expectedStatus: kind === 'reads' ? 200 : 201 };
  const { result, cpu } = await withCpu(serving, nothing, async () => {
    const done = await load.run(job);
    if (kind === 'posts') await untilThrough(stack, signal);
    return done;
  });
  return { cpuMs: cpu.totalMs, requests: result.requests };
}
