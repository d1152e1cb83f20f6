import { serverPorts } from '../../local/ports.ts';
import { type Stack, startStack } from '../../local/stack/stack.ts';
import type { Step } from '../../local/supervisor/state.ts';
import type { Lab } from '../folder.ts';
import { startForwards } from './forward.ts';

/** Inside the node's namespace, where nobody else listens. */
const serversPortBase = 20_000;

/** Of one service: what its role may have of connections to Postgres goes by it. Two, one more while they are replaced, and a canary. */
const mostPods = 4;

/** Where pods find each server: an address of its own, and the port that it has everywhere else. */
export const stateAddresses = {
  postgres: { host: '10.88.0.2', port: 5432 },
  redis: { host: '10.88.0.3', port: 6379 },
  limitsRedis: { host: '10.88.0.4', port: 6379 },
  nats: { host: '10.88.0.5', port: 4222 },
  smtp: { host: '10.88.0.6', port: 1025 },
} as const;

/** They by the names of their logs, and the ports of the node's loopback address. */
export function serversOutside(): { readonly name: string; readonly port: number }[] {
  const { postgres, redis, limitsRedis, nats, mailSmtp } = serverPorts(serversPortBase);
  const named = { postgres, redis, 'redis-limits': limitsRedis, nats, mail: mailSmtp };
  return Object.entries(named).map(([name, port]) => ({ name, port }));
}

/** Postgres, Redis, NATS and the catcher of mails, outside the mesh, with all users and streams. */
export type Servers = { readonly stack: Stack; readonly stop: () => Promise<void> };

export async function startServers(lab: Lab, onStep: (step: Step) => void, signal: AbortSignal): Promise<Servers> {
  const place = { stateDir: lab.serversDir, cacheDir: lab.cacheDir, portBase: serversPortBase };
  const stack = await startStack({ ...place, replicas: mostPods, serversOnly: true, onStep }, signal);
  const targets = serverPorts(serversPortBase);
  const { postgres, redis, limitsRedis, nats, smtp } = stateAddresses;
  const forwarding = await startForwards([
    { ...postgres, target: targets.postgres },
    { ...redis, target: targets.redis },
    { ...limitsRedis, target: targets.limitsRedis },
    { ...nats, target: targets.nats },
    { ...smtp, target: targets.mailSmtp },
  ]);
  return {
    stack,
    stop: async () => {
      forwarding.stop();
      await stack.stop();
    },
  };
}
