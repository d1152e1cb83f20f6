import { loopback } from '../ports.ts';
import type { ServiceDefinition } from '../services.ts';

/** The most processes of one service that the port plan has room for. */
export const maxReplicas = 4;

/** One process of a service. */
export type Replica = {
  readonly service: ServiceDefinition;
  /** From 0. */
  readonly replica: number;
};

export type Instance = Replica & {
  /** Of the process and of its log: the first is called as the service is, the others `feed-2`, `feed-3`, … */
  readonly name: string;
};

/**
 * Distances of the replicas' ports from the port base. Services have nine slots each: replica 0 takes 10 to 18 for gRPC and 30 to 38
 * for operations, the others 40 to 98. The tenth of each ten is left to servers (ports.ts).
 */
const grpcOffsets = [10, 40, 60, 80];
const opsOffsets = [30, 50, 70, 90];
/** Only auth serves HTTP. */
const authHttpOffset = 6;

/** Every process of these services: replica by replica, so that the names of the first come first. */
export function instancesOf(services: readonly ServiceDefinition[], replicas: number): Instance[] {
  return Array.from({ length: replicas }, (_, replica) =>
    services.map((service) => ({ service, replica, name: instanceName(service.name, replica) })),
  ).flat();
}

export function grpcPort(portBase: number, { service, replica }: Replica): number {
  return portBase + (grpcOffsets[replica] ?? Number.NaN) + service.slot;
}

export function opsPort(portBase: number, { service, replica }: Replica): number {
  return portBase + (opsOffsets[replica] ?? Number.NaN) + service.slot;
}

/** Where a replica of auth serves the public keys. */
export function authHttpPort(portBase: number, replica: number): number {
  return portBase + authHttpOffset + replica;
}

/** gRPC addresses of all replicas of a service, as the kit's channels take them. */
export function grpcAddresses(portBase: number, service: ServiceDefinition, replicas: number): string {
  return Array.from(
    { length: replicas },
    (_, replica) => `${loopback}:${grpcPort(portBase, { service, replica })}`,
  ).join();
}

/** The values of all processes of one service, out of values by the names of processes. */
export function ofService<Value>(service: string, byProcess: Readonly<Record<string, Value>>): Value[] {
  return Object.entries(byProcess).flatMap(([name, value]) => (serviceOf(name) === service ? [value] : []));
}

/** The service, or the server, that a process belongs to. */
export function serviceOf(processName: string): string {
  return processName.replace(/-\d+$/, '');
}

function instanceName(service: string, replica: number): string {
  return replica === 0 ? service : `${service}-${replica + 1}`;
}
