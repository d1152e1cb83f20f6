import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError, messageOf } from '../../local/cli/cli-error.ts';
import { count } from '../../local/cli/statistics.ts';
import { feedRequests, postRequests } from '../crowd.ts';
import type { LoadJob } from '../load/closed-loop.ts';
import type { MeasureContext } from '../measure/context.ts';
import { atRates, findFullRates } from '../measure/half-load.ts';
import { untilCalm } from '../measure/inserts.ts';
import type { PartName } from '../parts.ts';
import { table } from '../report/columns.ts';
import { type CpuProfile, profileProcess } from './inspector.ts';
import { type SelfTime, selfTimesOf } from './self-time.ts';

/** Which services are profiled while a part runs: those whose code is on its path. */
const profiled = { reads: ['feed'], writes: ['post', 'feed'], mixed: ['feed', 'post'], 'half-load': ['post', 'feed'] };
const functionsShown = 25;
const modulesShown = 12;

const profiledParts = Object.keys(profiled) as readonly (keyof typeof profiled)[];

type RunLoad = (work: () => Promise<unknown>) => Promise<unknown>;

/**
 * Profiles the services under the load of each part, one after the other, and writes `<part>-<service>.cpuprofile` files.
 * A service that is profiled is slower, so there are no figures beside it.
 * @returns for each profile where the time of the service itself goes, as text
 */
export async function profileParts(
  parts: ReadonlySet<PartName>,
  context: MeasureContext,
  directory: string,
): Promise<string> {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new CliError(`profiles can't be written to ${directory}: ${messageOf(error)}`, { cause: error });
  }
  const texts: string[] = [];
  for (const part of profiledParts.filter((name) => parts.has(name))) {
    const underLoad = await loadOf(part, context);
    for (const service of profiled[part]) {
      const phase = context.progress.phase(`profile: ${part}, ${service}`, 1);
      const profile = await profileService(context, service, underLoad);
      const path = join(directory, `${part}-${service}.cpuprofile`);
      writeFileSync(path, JSON.stringify(profile));
      phase.end(path);
      texts.push(render(`${service} under ${part}`, profile));
    }
  }
  return texts.join('\n\n');
}

async function profileService({ servers, seconds, signal }: MeasureContext, service: string, underLoad: RunLoad) {
  const pid = servers.find(({ name }) => name === service)?.pid;
  if (pid === undefined) throw new CliError(`${service} does not run`);
  let profile: CpuProfile | undefined;
  await underLoad(async () => {
    profile = await profileProcess(pid, () => delay(seconds * 1_000, undefined, { signal }));
  });
  if (profile === undefined) throw new CliError(`${service} was not profiled`);
  return profile;
}

/** What makes the load of a part while a piece of work is done. */
async function loadOf(part: keyof typeof profiled, context: MeasureContext): Promise<RunLoad> {
  const { stack, crowd, load, signal } = context;
  const target = stack.frontDoor;
  if (part === 'half-load') {
    const rates = await findFullRates(context, { reads: undefined, posts: undefined });
    return (work) => atRates(context, rates.reads / 4, rates.posts / 4, work);
  }
  const reads = { requests: await feedRequests(crowd.viewers, target), expectedStatus: 200 };
  const posts = { requests: await postRequests(crowd.viewers, target), expectedStatus: 201 };
  const jobs = {
    reads: { ...reads, connections: 32 },
    writes: { ...posts, connections: 16 },
    mixed: { ...posts, connections: 32, mixedWith: { share: 0.9, ...reads } },
  };
  // Longer than attaching takes.
  const job: LoadJob = { target, seconds: context.seconds + 2, ...jobs[part] };
  return async (work) => {
    await Promise.all([load.run(job), work()]);
    await untilCalm(stack, signal);
  };
}

function render(title: string, profile: CpuProfile): string {
  const { elapsedMs, busyMs, functions, modules } = selfTimesOf(profile);
  const rows = (times: readonly SelfTime[], shown: number): string[][] =>
    times.slice(0, shown).map(({ name, ms }) => [`${((100 * ms) / busyMs).toFixed(1)} %`, name.slice(0, 100)]);
  return [
    `${title}: busy ${((100 * busyMs) / elapsedMs).toFixed(0)} % of ${count(elapsedMs)} ms; of that, in itself`,
    table([...rows(modules, modulesShown), ['', ''], ...rows(functions, functionsShown)], [0]),
  ].join('\n');
}
