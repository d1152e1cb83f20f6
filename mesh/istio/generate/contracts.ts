import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { ourServices, readContracts, rpcsOf } from '../../local/openapi/contracts.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { FOREIGN } from './names.ts';

/** What the mesh must know of an RPC. */
export type Rpc = {
  /** `<contract>/<RPC>`. */
  readonly path: string;
  /** Changes nothing, so that it may be asked again: `idempotency_level = NO_SIDE_EFFECTS`. */
  readonly isRead: boolean;
  readonly isStream: boolean;
  /** Who may call it, where only services may; undefined for people. */
  readonly callers: readonly string[] | undefined;
};

/** Every RPC of ours, by its path. */
export function readRpcs(): ReadonlyMap<string, Rpc> {
  const registry = readContracts(readFileSync(join(repositoryRoot, 'gen/envoy/oxo.binpb')));
  const rpcs = ourServices(registry).flatMap((service) =>
    rpcsOf(registry, service).map(({ method, access }): [string, Rpc] => {
      const path = `${service.typeName}/${method.name}`;
      const isRead = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
      const isStream = method.methodKind !== 'unary';
      return [path, { path, isRead, isStream, callers: access?.kind === 'internal' ? access.callers : undefined }];
    }),
  );
  return new Map(rpcs);
}

/** The RPCs that one entry of the table stands for. @throws Error when the contracts have none of them */
export function expand(entry: string, rpcs: ReadonlyMap<string, Rpc>): Rpc[] {
  if (FOREIGN.test(entry)) return [];
  const found = entry.endsWith('/*')
    ? [...rpcs.values()].filter(({ path }) => path.startsWith(entry.slice(0, -1)))
    : [rpcs.get(entry)].filter((rpc) => rpc !== undefined);
  if (found.length === 0) throw new Error(`mesh/istio/callers.ts: the contracts have no ${entry}`);
  return found;
}
