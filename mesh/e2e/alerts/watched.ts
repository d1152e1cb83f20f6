import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { until } from '#kit/testing/until.ts';
import { fetchPrometheus, queryAt, readTargets } from '../../local/observability/prometheus-client.ts';
import { readRuleFiles } from '../../observability/rules/read.ts';
import { startWorld, type World } from '../testing/world.ts';
import { type Disk, startDisk } from './disk.ts';
import { intervalSeconds, shortenRules } from './shorten.ts';
import { beginTraffic } from './traffic.ts';

/** An alert as Prometheus has it. */
export type Active = { readonly labels: Readonly<Record<string, string>>; readonly state: string };

/** A stack with people on it, and its Prometheus, which has the rules of production with a shorter breath. */
export type Watched = {
  readonly world: World;
  readonly prometheus: string;
  /** Stands beside the machine's own. */
  readonly disk: Disk;
  /** Alerts that fire now; without what the machine's own disks are to blame for. */
  readonly firing: () => Promise<Active[]>;
  /** Names of alerts that have fired at some time within so many seconds, of the same. */
  readonly firedWithin: (seconds: number) => Promise<string[]>;
  /** Resolves when every rule has been evaluated so often again. */
  readonly evaluated: (times: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

const diskInstance = 'disk';
const timeoutMs = 10_000;
const pollMs = 200;
const alertsSchema = z.object({
  data: z.object({ alerts: z.array(z.object({ labels: z.record(z.string(), z.string()), state: z.string() })) }),
});
const rulesSchema = z.object({
  data: z.object({ groups: z.array(z.object({ name: z.string(), file: z.string(), lastEvaluation: z.string() })) }),
});
const configSchema = z.looseObject({
  global: z.record(z.string(), z.unknown()),
  scrape_configs: z.array(z.looseObject({ job_name: z.string(), static_configs: z.array(z.unknown()) })),
});

export async function startWatched(): Promise<Watched> {
  const world = await startWorld({ observability: true });
  const disk = await startDisk();
  try {
    const prometheus = world.stack.urls.prometheus ?? '';
    const rulesDir = join(world.stateDir, 'short-rules');
    loadShortRules(world, rulesDir, disk);
    const traffic = await beginTraffic(world.api);
    await until('the short rules are loaded', async () => {
      const groups = await readGroups(prometheus);
      return (groups.length > 0 && groups.every(({ file }) => file.startsWith(rulesDir))) || delay(pollMs, false);
    });
    await until('every target is up', async () => {
      const targets = await readTargets(prometheus);
      const isUp = targets.every(({ health }) => health === 'up');
      return (isUp && targets.some(({ labels }) => labels.instance === diskInstance)) || delay(pollMs, false);
    });
    return {
      ...{ world, prometheus, disk },
      firing: () => readFiring(prometheus),
      firedWithin: (seconds) => readFired(prometheus, seconds),
      evaluated: (times) => untilEvaluated(prometheus, times),
      stop: async () => {
        await traffic.stop();
        await disk.stop();
        await world.stop();
      },
    };
  } catch (error) {
    await disk.stop();
    await world.stop();
    throw error;
  }
}

/** Gives the stack's Prometheus other rules, shorter intervals and one disk more, as an operator would: by its file and a SIGHUP. */
function loadShortRules({ stack, stateDir }: World, rulesDir: string, { address }: Disk): void {
  mkdirSync(rulesDir);
  const paths = shortenRules(readRuleFiles()).map(({ name, groups }) => {
    const path = join(rulesDir, name);
    writeFileSync(path, stringify({ groups }));
    return path;
  });
  const path = join(stateDir, 'run/observability/prometheus.yaml');
  const config = configSchema.parse(parse(readFileSync(path, 'utf8')));
  const every = `${intervalSeconds}s`;
  const node = config.scrape_configs.find(({ job_name: job }) => job === 'node');
  if (node === undefined) throw new Error('this stack does not look at the machine');
  node.static_configs.push({ targets: [address], labels: { instance: diskInstance } });
  config.global = { scrape_interval: every, scrape_timeout: every, evaluation_interval: every };
  writeFileSync(path, stringify({ ...config, rule_files: paths }));
  stack.process('prometheus').kill('SIGHUP');
}

async function ask(prometheus: string, path: string): Promise<unknown> {
  const response = await fetchPrometheus(prometheus, `/api/v1/${path}`, { signal: AbortSignal.timeout(timeoutMs) });
  return response.json();
}

async function readGroups(prometheus: string) {
  return rulesSchema.parse(await ask(prometheus, 'rules')).data.groups;
}

async function readFiring(prometheus: string): Promise<Active[]> {
  const { alerts } = alertsSchema.parse(await ask(prometheus, 'alerts')).data;
  return alerts.filter(({ state, labels }) => state === 'firing' && labels.instance !== 'node');
}

async function readFired(prometheus: string, seconds: number): Promise<string[]> {
  const window = `${Math.max(1, Math.ceil(seconds))}s`;
  const query = `count by (alertname) (count_over_time(ALERTS{alertstate="firing",instance!="node"}[${window}]))`;
  const series = await queryAt(prometheus, query, await nowSeconds(prometheus));
  return series.map(({ labels }) => labels.alertname ?? '').sort();
}

/** By Prometheus' own clock. */
async function nowSeconds(prometheus: string): Promise<number> {
  return z
    .object({ data: z.object({ result: z.tuple([z.number(), z.string()]) }) })
    .parse(await ask(prometheus, 'query?query=time()')).data.result[0];
}

async function untilEvaluated(prometheus: string, times: number): Promise<void> {
  const seen = new Map<string, Set<string>>();
  await until(
    `every rule is evaluated ${times} times`,
    async () => {
      for (const { name, file, lastEvaluation } of await readGroups(prometheus)) {
        const key = `${file} ${name}`;
        seen.set(key, (seen.get(key) ?? new Set()).add(lastEvaluation));
      }
      return [...seen.values()].every(({ size }) => size > times) || delay(pollMs, false);
    },
    120_000,
  );
}
