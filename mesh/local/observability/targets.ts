import { join } from 'node:path';
import { readRuleFiles, rulesFolder } from '../../observability/rules/read.ts';
import { loopback, type ServerPorts, serverPorts } from '../ports.ts';
import { ownLimitsRedis, type StackPlan } from '../stack/plan.ts';
import { opsPort } from '../stack/replicas.ts';
import type { ObserverName } from './programs.ts';
import type { ScrapeTarget } from './prometheus-config.ts';

/**
 * Everything of a stack that tells how it does.
 * @param exporters those that there are; a server whose exporter can't be had is not asked
 * @param ratelimit whether there is a rate limit service
 */
export function targetsOf(
  plan: StackPlan,
  exporters: readonly ObserverName[],
  ratelimit: boolean,
): readonly ScrapeTarget[] {
  const ports = serverPorts(plan.portBase);
  const at = (port: number): string => `${loopback}:${port}`;
  const targets: ScrapeTarget[] = (plan.serversOnly ? [] : plan.instances).map((instance) => ({
    job: instance.service.name,
    instance: instance.name,
    address: at(opsPort(plan.portBase, instance)),
  }));
  if (plan.gateway) {
    targets.push({ job: 'gateway', instance: 'envoy', address: at(ports.envoyAdmin), path: '/stats/prometheus' });
  }
  if (plan.gateway && ratelimit)
    targets.push({ job: 'ratelimit', instance: 'ratelimit', address: at(ports.ratelimitMetrics) });
  if (exporters.includes('postgres-exporter') && plan.own.databaseUrl === undefined)
    targets.push({ job: 'postgres', instance: 'postgres', address: at(ports.postgresExporter) });
  if (exporters.includes('redis-exporter')) targets.push(...redisTargets(plan, ports));
  if (plan.own.natsUrl === undefined)
    targets.push({ job: 'nats', instance: 'nats', address: at(ports.telemetry), path: '/nats/metrics' });
  if (exporters.includes('node-exporter'))
    targets.push({ job: 'node', instance: 'node', address: at(ports.nodeExporter) });
  return targets;
}

/** One exporter looks at both. */
function redisTargets({ own }: StackPlan, ports: ServerPorts): ScrapeTarget[] {
  const of = (job: string, port: number): ScrapeTarget => ({
    ...{ job, instance: job, address: `${loopback}:${ports.redisExporter}`, path: '/scrape' },
    params: { target: `redis://${loopback}:${port}` },
  });
  return redisPortsOf(own, ports).map(([job, port]) => of(job, port));
}

/** Those that are ours: job and port. */
export function redisPortsOf(own: StackPlan['own'], ports: ServerPorts): [string, number][] {
  return [
    ...(own.redisUrl === undefined ? [['redis', ports.redis] as [string, number]] : []),
    ...(ownLimitsRedis(own) === undefined ? [['redis-limits', ports.limitsRedis] as [string, number]] : []),
  ];
}

/** The recording and alerting rules, which a cluster has too. */
export function ruleFiles(): string[] {
  return readRuleFiles().map(({ name }) => join(rulesFolder, name));
}
