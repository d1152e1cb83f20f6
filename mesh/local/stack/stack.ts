import { setTimeout as delay } from 'node:timers/promises';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { unlessAborted } from '../cli/interrupt.ts';
import { withoutFormer } from '../credentials/turns.ts';
import { type Lock, lockStack } from '../machine/lock.ts';
import { startObservers } from '../observability/start.ts';
import { ensureParts } from '../parts/fetch.ts';
import type { PartName } from '../parts/parts.ts';
import { requireFreePorts, serverPorts } from '../ports.ts';
import { changeSecrets, type Secrets } from '../secrets.ts';
import { endOldSessionsRegularly } from '../servers/old-sessions.ts';
import { loginRolesOf } from '../services.ts';
import { createGroup, type ProcessGroup } from '../supervisor/group.ts';
import { supervisorLog } from '../supervisor/log.ts';
import { stopOrphans } from '../supervisor/orphans.ts';
import type { ProcessSnapshot, SupervisedProcess } from '../supervisor/process.ts';
import { createRecorder, type Recorder } from '../supervisor/recorder.ts';
import { gatewayOf, ratelimitOf } from './front-door.ts';
import { catchesMails, ownLimitsRedis, planStack, type StackOptions, type StackPlan, type StackUrls } from './plan.ts';
import { authHttpPort, grpcPort, opsPort } from './replicas.ts';
import { partsOf, programOf, serversOf, setUpServers } from './servers.ts';
import { environmentOf, migrate, serviceSpec } from './services.ts';
import { codeVersion } from './version.ts';

/** A stack that runs: servers, services and the front door, each restarted when it dies. */
export type Stack = {
  readonly urls: StackUrls;
  readonly publicUrl: string;
  readonly secrets: Secrets;
  readonly logDir: string;
  /** The environment that a process of a service runs with. */
  readonly environmentOf: (name: string) => Record<string, string>;
  /**
   * A process by name: postgres, redis, redis-limits, nats, mail, ratelimit, envoy, who observes them (telemetry, prometheus, …), or a service (its further replicas are feed-2, feed-3, …).
   * @throws Error when there is none of this name
   */
  readonly process: (name: string) => StackProcess;
  readonly processes: () => readonly ProcessSnapshot[];
  /** Stops everything in reverse order; can be called again. */
  readonly stop: () => Promise<void>;
};

export type StackProcess = {
  /** Of the running process; undefined while there is none. */
  readonly pid: () => number | undefined;
  readonly snapshot: () => ProcessSnapshot;
  /** Sends a signal to the present process. It is started again if it dies of it. */
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Resolves when a process that is not `pid` is ready in its place; rejects after timeoutMs. */
  readonly replaced: (pid: number, timeoutMs?: number) => Promise<void>;
  /** Stops it (by `signal`, or cleanly) and leaves it away until resume, which waits until it is ready again. */
  readonly pause: (signal?: NodeJS.Signals) => Promise<void>;
  readonly resume: () => Promise<void>;
};

/** Another process runs a stack in the same state folder. */
export class StackIsRunningError extends CliError {}

/** Of the rate limit service; what it returns says why there is none. */
export const ratelimitStep = 'ratelimit';

/** Of those who have a password to look at servers, or at what is known of them: exporters of Postgres and Redis, Prometheus and who asks it. */
export const monitoringStep = 'monitoring';

/** In which order things start; they stop in reverse. */
export const tiers = { servers: 0, services: 1, gateway: 2 };

/**
 * Starts a whole stack in this process, and returns when every /readyz is 200.
 * Whatever was left of an earlier one in the same folder is stopped first. On failure nothing is left running.
 * @param signal stops the start, also while a server that is not ours keeps a step waiting
 * @param held the folder's lock, of a caller who keeps it when the stack has stopped
 * @throws StackIsRunningError, or CliError that says what did not start and where its log is
 */
export async function startStack(options: StackOptions, signal?: AbortSignal, held?: Lock): Promise<Stack> {
  const plan = planStack({ ...options, presentOnly: true });
  const lock = held === undefined ? await lockStack(plan.stateDir) : { release: async () => {} };
  if (lock === undefined) throw new StackIsRunningError(`a stack is running in ${plan.stateDir}`);
  let group: ProcessGroup | undefined;
  try {
    const leftovers = await stopOrphans(plan.stateDir);
    // Nobody is left who uses them.
    changeSecrets(plan.stateDir, withoutFormer);
    const recorder = createRecorder(plan.stateDir, { ...plan, version: codeVersion() }, plan.onStep);
    if (leftovers.length > 0) await recorder.step('leftovers', async () => `stopped ${leftovers.join(', ')}`);
    group = createGroup(recorder, plan);
    await unlessAborted(startAll(plan, recorder, group, signal), signal).catch(failed(recorder, group));
    recorder.phase('running');
    return handleOf(plan, recorder, group, lock.release);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function startAll(plan: StackPlan, recorder: Recorder, group: ProcessGroup, signal?: AbortSignal): Promise<void> {
  const abort = (): void => void group.stop();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await requireFreePorts(portsOf(plan));
    const servers = serversOf(plan);
    const names: PartName[] = [...partsOf(servers), ...(plan.gateway ? (['envoy'] as const) : [])];
    const programs = await recorder.step('parts', () => ensureParts(plan.cacheDir, names));
    await together(servers, (server) =>
      recorder.step(server.name, async () => {
        const spec = await server.prepare(plan, programOf(server, programs));
        await group.start(spec, tiers.servers);
        return spec.note;
      }),
    );
    await setUpServers(plan, recorder.step);
    // Before those whose spans they take.
    await startObservers(plan, { recorder, group, tier: tiers.servers });
    if (!plan.serversOnly) await startServices(plan, recorder, group, signal);
    if (plan.gateway) {
      const limited = await startRatelimit(plan, recorder, group);
      await recorder.step('envoy', () =>
        group.start(gatewayOf(plan, programs.envoy ?? '', { limited }), tiers.gateway),
      );
    }
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Everything else runs without it. @returns whether it runs */
export async function startRatelimit(plan: StackPlan, recorder: Recorder, group: ProcessGroup): Promise<boolean> {
  let limited = false;
  await recorder.step(ratelimitStep, async () => {
    const spec = await ratelimitOf(plan).catch((error: unknown) => messageOf(error));
    if (typeof spec === 'string') return `off, writes are limited by network alone: ${spec}`;
    await group.start(spec, tiers.servers);
    limited = true;
    return undefined;
  });
  return limited;
}

async function startServices(
  plan: StackPlan,
  recorder: Recorder,
  group: ProcessGroup,
  signal?: AbortSignal,
): Promise<void> {
  const withTables = plan.services.filter((service) => service.migrate !== undefined);
  await together(withTables, (service) =>
    recorder.step(`migrations of ${service.name}`, () => migrate(plan, service, 'up', signal)),
  );
  await together(plan.instances, (instance) =>
    recorder.step(instance.name, () => group.start(serviceSpec(plan, instance), tiers.services)),
  );
}

/** Waits for all, also when one fails: what is still starting must not be left alone. */
async function together<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const results = await Promise.allSettled(items.map(work));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

function failed(recorder: Recorder, group: ProcessGroup) {
  return async (error: unknown): Promise<never> => {
    await group.stop();
    recorder.failed(error);
    throw error;
  };
}

/** What whoever started a stack, or took it over, does with it. */
export function handleOf(
  plan: StackPlan,
  recorder: Recorder,
  group: ProcessGroup,
  release: () => Promise<void>,
): Stack {
  let stopped: Promise<void> | undefined;
  // On a server that is not ours it is its administrator's affair.
  const endLooking = plan.own.databaseUrl === undefined ? watchOldSessions(plan) : undefined;
  const stop = async (): Promise<void> => {
    recorder.phase('stopping');
    endLooking?.();
    await group.stop();
    recorder.phase('stopped');
    await release();
  };
  return {
    urls: plan.urls,
    publicUrl: plan.publicUrl,
    secrets: plan.secrets,
    logDir: plan.logDir,
    environmentOf: (name) => {
      const instance = plan.instances.find((other) => other.name === name);
      if (instance === undefined) throw new Error(`this stack has no service ${name}`);
      return environmentOf(plan, instance);
    },
    process: (name) => {
      const supervised = group.get(name);
      if (supervised === undefined) throw new Error(`this stack has no process ${name}`);
      return processHandle(supervised);
    },
    processes: () => group.all().map((supervised) => supervised.snapshot()),
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

function watchOldSessions(plan: StackPlan): () => void {
  return endOldSessionsRegularly(plan.urls.database, loginRolesOf(plan.services), (text) => supervisorLog.warn(text));
}

function processHandle(supervised: SupervisedProcess): StackProcess {
  const pid = (): number | undefined => supervised.snapshot().identity?.pid;
  return {
    pid,
    snapshot: supervised.snapshot,
    kill: (name) => void supervised.kill(name),
    pause: supervised.pause,
    resume: supervised.resume,
    replaced: async (before, timeoutMs = 60_000) => {
      const deadline = performance.now() + timeoutMs;
      while (pid() === before || supervised.snapshot().state !== 'ready') {
        if (performance.now() > deadline) throw new Error(`${supervised.name} did not come back in ${timeoutMs} ms`);
        await delay(20);
      }
    },
  };
}

/** Every port that this stack listens on, by who does. */
export function portsOf(plan: StackPlan): Map<string, number> {
  const { portBase, own } = plan;
  const ports = serverPorts(portBase);
  const wanted = new Map<string, number>();
  if (plan.gateway) {
    wanted.set('front door', ports.frontDoor).set('Envoy administration', ports.envoyAdmin);
    wanted.set('administration of a second Envoy', ports.envoyStandInAdmin);
    wanted.set('rate limits', ports.ratelimit).set('rate limits HTTP', ports.ratelimitHttp);
    wanted.set('rate limits debugging', ports.ratelimitDebug);
  }
  if (own.databaseUrl === undefined) wanted.set('Postgres', ports.postgres);
  if (own.redisUrl === undefined) wanted.set('Redis', ports.redis);
  if (ownLimitsRedis(own) === undefined) wanted.set('Redis of limits', ports.limitsRedis);
  if (own.natsUrl === undefined) wanted.set('NATS', ports.nats).set('NATS monitor', ports.natsMonitor);
  if (plan.observability) {
    wanted.set('Prometheus', ports.prometheus).set('traces and dashboards', ports.telemetry);
    wanted.set('exporter of the machine', ports.nodeExporter).set('metrics of rate limits', ports.ratelimitMetrics);
    if (own.databaseUrl === undefined) wanted.set('exporter of Postgres', ports.postgresExporter);
    if (ownLimitsRedis(own) === undefined || own.redisUrl === undefined)
      wanted.set('exporter of Redis', ports.redisExporter);
  }
  if (catchesMails(plan)) wanted.set('mails', ports.mailSmtp).set('page of mails', ports.mailPage);
  for (const instance of plan.serversOnly ? [] : plan.instances) {
    const { name, service, replica } = instance;
    wanted.set(`${name} gRPC`, grpcPort(portBase, instance));
    wanted.set(`${name} operations`, opsPort(portBase, instance));
    if (service.name === 'auth') wanted.set(`${name} HTTP`, authHttpPort(portBase, replica));
  }
  return wanted;
}
