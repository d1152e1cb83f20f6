import {
  create,
  createFileRegistry,
  type DescExtension,
  type DescMethod,
  type DescService,
  type FileRegistry,
  fromBinary,
  getExtension,
  hasExtension,
} from '@bufbuild/protobuf';
import {
  FileDescriptorSetSchema,
  type MethodOptions,
  MethodOptions_IdempotencyLevel,
  MethodOptionsSchema,
  type ServiceOptions,
  ServiceOptionsSchema,
} from '@bufbuild/protobuf/wkt';
import { CliError } from '../cli/cli-error.ts';

export type Access =
  | { kind: 'open' }
  | { kind: 'signedIn'; scopes: readonly string[]; firstParty: boolean; maxSignInAgeSeconds: number }
  | { kind: 'internal'; callers: readonly string[] };

export interface HttpRule {
  method: 'get' | 'put' | 'post' | 'delete' | 'patch';
  /** As in the contract: "/api/v1/users/{user_id}/posts". */
  path: string;
  /** "" none, "*" all fields that are not in the path, or the name of the field that is the body. */
  body: string;
}

/** What the contract of an RPC declares beside its messages. */
export interface Rpc {
  method: DescMethod;
  /** Undefined when the contract declares none, which checkContracts refuses. */
  access: Access | undefined;
  http: readonly HttpRule[];
  /** HTTP status of a success. */
  successStatus: number;
  /** Whether it honours Idempotency-Key. */
  idempotencyKey: boolean;
  /** Whether it honours If-Match. */
  ifMatch: boolean;
  idempotent: boolean;
}

/** Reads a descriptor set as buf writes it. */
export function readContracts(descriptorSet: Uint8Array): FileRegistry {
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
}

/** Our services, public and internal, by name. */
export function ourServices(registry: FileRegistry): DescService[] {
  const services = [...registry].filter((type) => type.kind === 'service');
  return services.filter((service) => service.typeName.startsWith('oxo.')).sort(byTypeName);
}

/** Whether the front door never routes it. */
export function isInternal(service: DescService): boolean {
  return service.name.endsWith('InternalService');
}

/** The RPCs of a service, in the order of the contract. */
export function rpcsOf(registry: FileRegistry, service: DescService): Rpc[] {
  return service.methods.map((method) => readRpc(registry, method));
}

/** Whether the responses of a service hold secrets, so that none is stored to be replayed. */
export function keepsSecrets(registry: FileRegistry, service: DescService): boolean {
  const options = service.proto.options ?? create(ServiceOptionsSchema);
  return readOption(registry, options, 'oxo.common.v1.keeps_secrets') === true;
}

function readRpc(registry: FileRegistry, method: DescMethod): Rpc {
  const options = method.proto.options ?? create(MethodOptionsSchema);
  const option = (name: string): unknown => readOption(registry, options, name);
  const rule = option('google.api.http') as WireHttpRule | undefined;
  return {
    method,
    access: readAccess(option('oxo.common.v1.access') as WireAccess | undefined),
    http: rule === undefined ? [] : [rule, ...rule.additionalBindings].map((binding) => readHttpRule(method, binding)),
    successStatus: (option('oxo.common.v1.success_status') as number | undefined) ?? 200,
    idempotencyKey: option('oxo.common.v1.idempotency_key') === true,
    ifMatch: option('oxo.common.v1.if_match') === true,
    idempotent: method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
  };
}

interface WireHttpRule {
  pattern: { case: string | undefined; value?: unknown };
  body: string;
  additionalBindings: WireHttpRule[];
}

interface WireAccess {
  kind: { case: string | undefined; value?: WireAccessValue };
}

interface WireAccessValue {
  scopes?: string[];
  firstParty?: boolean;
  maxSignInAgeSeconds?: number;
  callers?: string[];
}

function readOption(registry: FileRegistry, options: MethodOptions | ServiceOptions, name: string): unknown {
  const extension: DescExtension | undefined = registry.getExtension(name);
  if (extension === undefined) throw new Error(`the contracts lack the option ${name}`);
  return hasExtension(options, extension) ? getExtension(options, extension) : undefined;
}

function readAccess(access: WireAccess | undefined): Access | undefined {
  switch (access?.kind.case) {
    case 'open':
      return { kind: 'open' };
    case 'signedIn':
      return {
        kind: 'signedIn',
        scopes: access.kind.value?.scopes ?? [],
        firstParty: access.kind.value?.firstParty === true,
        maxSignInAgeSeconds: access.kind.value?.maxSignInAgeSeconds ?? 0,
      };
    case 'internal':
      return { kind: 'internal', callers: access.kind.value?.callers ?? [] };
    default:
      return undefined;
  }
}

function readHttpRule(method: DescMethod, rule: WireHttpRule): HttpRule {
  const verb = rule.pattern.case;
  if (verb === 'get' || verb === 'put' || verb === 'post' || verb === 'delete' || verb === 'patch') {
    return { method: verb, path: String(rule.pattern.value), body: rule.body };
  }
  const problem = `an http rule of kind ${verb} is not supported`;
  throw new CliError('the contracts are not complete', {
    advice: [`${method.parent.typeName}.${method.name}: ${problem}`],
  });
}

function byTypeName(a: DescService, b: DescService): number {
  return a.typeName < b.typeName ? -1 : 1;
}
