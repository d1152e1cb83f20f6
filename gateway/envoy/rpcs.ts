import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescMethod, type FileRegistry, fromBinary, getExtension } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** What a call counts where writes are limited. */
export type Weight = 1 | 2 | 3;

/** The RPCs of a service that are alike to the front door. */
export interface RpcClass {
  kind: 'read' | 'write';
  weight: Weight;
  /** Names, such as "GetPost". */
  rpcs: string[];
}

/** By the verb of their route: what a GET is for one protocol it is for all. Creating costs most, and is what floods are made of. */
const CLASSES: Readonly<Record<string, Omit<RpcClass, 'rpcs'>>> = {
  get: { kind: 'read', weight: 1 },
  post: { kind: 'write', weight: 3 },
  put: { kind: 'write', weight: 2 },
  patch: { kind: 'write', weight: 2 },
  delete: { kind: 'write', weight: 1 },
};

const registry = readRegistry();

/**
 * The RPCs of a public service, those that are alike together.
 * @throws Error when the contracts have no such service, or it has an RPC without a route
 */
export function rpcClasses(service: string): RpcClass[] {
  const contract = registry.getService(service);
  if (contract === undefined) throw new Error(`gen/envoy/oxo.binpb has no ${service}`);
  const classes = new Map<string, RpcClass>();
  for (const method of contract.methods) {
    const known = CLASSES[verbOf(method)];
    if (known === undefined) throw new Error(`${service}.${method.name} has no route`);
    const { kind, weight } = known;
    const found = classes.get(`${kind} ${weight}`) ?? { kind, weight, rpcs: [] };
    found.rpcs.push(method.name);
    classes.set(`${kind} ${weight}`, found);
  }
  return [...classes.values()];
}

function verbOf(method: DescMethod): string {
  const http = registry.getExtension('google.api.http');
  if (http === undefined || method.proto.options === undefined) return '';
  const rule = getExtension(method.proto.options, http) as { pattern?: { case?: string } };
  return rule.pattern?.case ?? '';
}

function readRegistry(): FileRegistry {
  const descriptors = readFileSync(new URL('../../gen/envoy/oxo.binpb', import.meta.url));
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
}
