import { join } from 'node:path';
import { buildSite } from '../../../gateway/web/site.ts';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { userOf } from '../credentials/turns.ts';
import { findBuilt, ratelimit } from '../parts/built.ts';
import { loopback } from '../ports.ts';
import { type EnvoyOptions, prepareEnvoy } from '../servers/envoy.ts';
import { prepareRatelimit, ratelimitEndpoint } from '../servers/ratelimit.ts';
import { repositoryRoot } from '../settings.ts';
import { logPathOf } from '../supervisor/group.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import { ownLimitsRedis, type StackPlan } from './plan.ts';
import { authHttpPort, grpcPort } from './replicas.ts';

/**
 * The front door.
 * @param options.limited whether there is a rate limit service
 * @param options.standIn the one that takes over while the other is replaced
 * @param options.keep true: its configuration file stays as it is, for the one that runs
 */
export function gatewayOf(
  plan: StackPlan,
  program: string,
  { limited, standIn = false, keep = false }: { limited: boolean; standIn?: boolean; keep?: boolean },
): ProcessSpec {
  try {
    return prepareEnvoy({
      program,
      runDir: join(plan.stateDir, 'run'),
      logPath: logPathOf(plan.logDir, 'envoy'),
      portBase: plan.portBase,
      publicUrl: plan.publicUrl,
      corsOrigins: plan.corsOrigins,
      trustedHops: plan.trustedHops,
      trustTraceparent: plan.trustTraceparent,
      concurrency: plan.envoyConcurrency,
      ...upstreamsOf(plan),
      limits: plan.limits.edge,
      files: buildSite({
        openapiPath: join(repositoryRoot, 'gen/openapi.yaml'),
        targetDir: join(plan.cacheDir, 'web'),
      }),
      ratelimit: limited ? ratelimitEndpoint(plan.portBase, plan.sockets.ratelimitPath) : undefined,
      tracing: plan.tracing,
      jwksCacheMs: plan.jwksCacheMs,
      standIn,
      keep,
    });
  } catch (error) {
    throw new CliError(`Envoy's configuration can't be made: ${messageOf(error)}`, { cause: error });
  }
}

/** What stands behind the front door: every replica. */
export function upstreamsOf({ portBase, services, replicas }: StackPlan): Pick<EnvoyOptions, 'upstreams' | 'authHttp'> {
  const each = (port: (replica: number) => number) =>
    Array.from({ length: replicas }, (_, replica) => ({ host: loopback, port: port(replica) }));
  const upstreams = services.map((service) => [
    service.name,
    each((replica) => grpcPort(portBase, { service, replica })),
  ]);
  return {
    upstreams: Object.fromEntries(upstreams) as EnvoyOptions['upstreams'],
    authHttp: each((replica) => authHttpPort(portBase, replica)),
  };
}

/** The rate limit service. @throws CliError when it is not in the cache, with the reason */
export async function ratelimitOf(plan: StackPlan): Promise<ProcessSpec> {
  const found = await findBuilt(plan.cacheDir, ratelimit);
  if (found.program === undefined) throw new CliError(found.reason);
  const isOurs = ownLimitsRedis(plan.own) === undefined;
  return prepareRatelimit({
    program: found.program,
    runDir: join(plan.stateDir, 'run/ratelimit'),
    logPath: logPathOf(plan.logDir, 'ratelimit'),
    portBase: plan.portBase,
    socketPath: plan.sockets.ratelimitPath,
    limits: plan.limits.edge,
    metrics: plan.observability,
    redis: {
      url: plan.urls.limitsRedis,
      socketPath: isOurs ? plan.sockets.limitsRedisPath : undefined,
      user: userOf('ratelimit', { second: plan.secrets.ratelimitSecond ?? false }),
      password: plan.secrets.ratelimit,
    },
  });
}
