import { count } from '../../local/cli/statistics.ts';
import { services } from '../../local/services.ts';
import type { VisibleFigures } from '../measure/visible.ts';
import { atLeast, atMost, budgets, type Line, never, verdictOf } from './budgets.ts';
import { table } from './columns.ts';
import { renderGrowth } from './growth-table.ts';
import type { BenchResults, StackResults } from './results.ts';

const mebibyte = 1024 ** 2;
/** More would be wider than 120 columns; the CPU column holds all of them anyway. */
const maxServerColumns = 8;
const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
const perSecond = (value: number): string => `${count(value)}/s`;

/** All figures as text for people, at most 120 columns wide. */
export function renderResults({ stack, growth, ...run }: BenchResults): string {
  const ofStack =
    stack === undefined
      ? []
      : [renderBudgets(stack), renderLoads(stack), renderNotes(stack), renderMemory(stack), renderSafety(stack)];
  return [...ofStack, renderGrowth(growth ?? []), renderRun(run)].filter((text) => text !== '').join('\n\n');
}

function renderBudgets(results: StackResults): string {
  const rows = budgetLines(results).map(({ what, measured, budget, ratio }) => [
    what,
    measured,
    budget,
    ratio === undefined ? '–' : ratio.toFixed(2),
    verdictOf(ratio),
  ]);
  return table([['figure', 'measured', 'budget', 'ratio', 'verdict'], ...rows], [1, 2, 3]);
}

/** Each figure that has a budget, also those whose part was not run. */
export function budgetLines(results: StackResults): Line[] {
  const { reads, writes, visibleIdle, visibleHalfLoad, fanOut, acknowledged } = results;
  const names = services.map((service) => service.name);
  const memory = names.reduce((sum, name) => sum + (results.idleMemoryBytes[name] ?? 0), 0) / mebibyte;
  const processes = names.length * results.replicas;
  const share = processes / budgets.memoryServices;
  const startSeconds = Math.max(0, ...Object.values(results.serviceStartMs)) / 1_000;
  const seconds = (value: number): string => `${value.toFixed(1)} s`;
  const mib = (value: number): string => `${value.toFixed(0)} MiB`;
  const feeds = acknowledged === undefined ? '' : ` (${acknowledged.feeds} feeds)`;
  return [
    readLine(reads),
    atMost('CPU of one POST /posts, until 20 followers have it', writes?.cpuMs, budgets.postCpuMs, ms),
    atMost('post → visible, idle, p50', visibleIdle?.p50Ms, budgets.visibleIdleMs.p50, ms),
    atMost('post → visible, idle, p99', visibleIdle?.p99Ms, budgets.visibleIdleMs.p99, ms),
    atMost('post → visible, half load, p50', visibleHalfLoad?.p50Ms, budgets.visibleHalfLoadMs.p50, ms),
    atMost('post → visible, half load, p99', visibleHalfLoad?.p99Ms, budgets.visibleHalfLoadMs.p99, ms),
    atLeast('fan-out, held', fanOut?.insertsPerSecond, budgets.fanOutPerSecond, perSecond),
    atMost(`idle memory of ${processes} service processes, PSS`, memory, budgets.memoryMib * share, mib),
    atMost('start of all services', startSeconds, budgets.startSeconds, seconds),
    never(`acknowledged posts lost${feeds}`, acknowledged?.lost),
    never('doubles in these feeds', acknowledged?.doubles),
  ];
}

function readLine(reads: StackResults['reads']): Line {
  const factor = budgets.feedReadTimesEcho;
  const what = 'CPU of one GET /feed (20 items, warm)';
  if (reads === undefined) return { what, measured: '–', budget: `≤ ${factor} × the echo`, ratio: undefined };
  const line = atMost(what, reads.feed.cpuMs, factor * reads.echo.cpuMs, ms);
  return { ...line, budget: `${line.budget} (${factor} × the echo)` };
}

type Row = {
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMs: number;
  readonly cpuByServerMs: Readonly<Record<string, number>>;
};

function loadsOf({ reads, keyReads, writes, mixed }: StackResults): (readonly [string, Row])[] {
  const loads: (readonly [string, Row | undefined])[] = [
    ['GET /feed, 32 connections', reads?.feed],
    ['echo that encodes', reads?.echo],
    ['echo of encoded bytes', reads?.echoOfBytes],
    ['GET /feed by token, in turn with', keyReads?.byToken],
    ['GET /feed by API key', keyReads?.byKey],
    ['POST /posts, 16 connections', writes],
    ['both, 90 to 10: all, reads', mixed === undefined ? undefined : { ...mixed, ...mixed.reads }],
  ];
  return loads.flatMap(([name, load]) => (load === undefined ? [] : [[name, load] as const]));
}

function renderLoads(results: StackResults): string {
  const loads = loadsOf(results);
  if (loads.length === 0) return '';
  const servers = serversOf(loads.map(([, load]) => load.cpuByServerMs));
  const rows = loads.map(([name, load]) => [
    name,
    perSecond(load.ratePerSecond),
    load.p50Ms.toFixed(1),
    load.p99Ms.toFixed(1),
    load.cpuMs.toFixed(2),
    ...servers.map((server) => cpuCell(load.cpuByServerMs[server])),
  ]);
  const head = ['load', 'rate', 'p50 ms', 'p99 ms', 'CPU ms', ...servers];
  return [
    table([head, ...rows], head.map((_, column) => column).slice(1)),
    'CPU is of all servers a request, less what they use when idle.',
  ].join('\n');
}

/** What the tables have no place for, a line each. */
function renderNotes({ reads, writes, mixed, visibleIdle, visibleHalfLoad: half, fanOut }: StackResults): string {
  const visible = (one: VisibleFigures): string =>
    `p50 ${ms(one.p50AfterAnswerMs)}, p99 ${ms(one.p99AfterAnswerMs)} (${one.samples} samples)`;
  return [
    reads && `A feed page has ${count(reads.feed.answerBytes)} bytes.`,
    writes &&
      `All posts were visible ${writes.backlogSeconds.toFixed(2)} s after the last answer: ` +
        `${perSecond(writes.visibleRatePerSecond)}, ${perSecond(writes.insertsPerSecond)} inserts.`,
    mixed && `Posts among nine times as many reads: p50 ${ms(mixed.posts.p50Ms)}, p99 ${ms(mixed.posts.p99Ms)}.`,
    visibleIdle && `Visible from the answer to the post, idle: ${visible(visibleIdle)}.`,
    half &&
      `The same at half load, ${perSecond(half.readsPerSecond)} reads and ${perSecond(half.postsPerSecond)} posts:`,
    half && `  ${visible(half)}; the answer itself p50 ${ms(half.p50AnswerMs)}, p99 ${ms(half.p99AnswerMs)}.`,
    fanOut &&
      `Fan-out, held: ${count(fanOut.posts)} posts by people whom everyone follows, ${count(fanOut.inserts)} inserts in ` +
        `${fanOut.seconds.toFixed(1)} s,`,
    fanOut &&
      `  the last one ${fanOut.backlogSeconds.toFixed(2)} s after the last answer; all at once ` +
        `${perSecond(fanOut.burstInsertsPerSecond)}.`,
  ]
    .filter((line) => line !== undefined)
    .join('\n');
}

/** Less than when idle is nothing. */
function cpuCell(cpuMs: number | undefined): string {
  return cpuMs === undefined ? '–' : Math.max(0, cpuMs).toFixed(2);
}

/** Those that used any CPU worth naming, most first. */
function serversOf(loads: readonly Readonly<Record<string, number>>[]): string[] {
  const most = new Map<string, number>();
  for (const [name, cpuMs] of loads.flatMap((load) => Object.entries(load))) {
    most.set(name, Math.max(cpuMs, most.get(name) ?? 0));
  }
  const worthNaming = [...most].filter(([, cpuMs]) => cpuMs >= 0.015);
  return worthNaming
    .sort(([, a], [, b]) => b - a)
    .slice(0, maxServerColumns)
    .map(([name]) => name);
}

function renderMemory({ idleMemoryBytes, loadedMemoryBytes, idleCpuMsPerSecond }: StackResults): string {
  const names = Object.keys(idleMemoryBytes);
  const mib = (bytes: number): string => (bytes / mebibyte).toFixed(0);
  const row = (what: string, values: Readonly<Record<string, number>>, show: (value: number) => string): string[] => {
    const total = Object.values(values).reduce((sum, value) => sum + value, 0);
    return [what, ...names.map((name) => show(values[name] ?? 0)), show(total)];
  };
  return table(
    [
      ['process', ...names, 'all'],
      row('memory before the run, MiB', idleMemoryBytes, mib),
      row('memory after the run, MiB', loadedMemoryBytes, mib),
      row('CPU when idle, ms a second', idleCpuMsPerSecond, (value) => value.toFixed(1)),
    ],
    [...names.keys(), names.length].map((column) => column + 1),
  );
}

function renderSafety({ safety, viewers }: StackResults): string {
  const list = (settings: Readonly<Record<string, string>>): string =>
    wrap(
      Object.entries(settings).map(([name, value]) => `${name} ${value}`),
      100,
    ).join('\n           ');
  return [
    `Postgres   ${list(safety.postgres)}`,
    `JetStream  ${list(safety.jetstream)}`,
    `People     ${count(viewers)} viewers`,
  ].join('\n');
}

function renderRun({ machine, seconds, startedAt }: Omit<BenchResults, 'stack' | 'growth'>): string {
  return `Machine    ${machine.cores} × ${machine.cpu}, Node ${machine.node}\nRun        ${startedAt}, ${seconds} s each`;
}

/** Joins words with commas into lines of at most `width`. */
function wrap(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last}, ${word}`;
  }
  return lines;
}
