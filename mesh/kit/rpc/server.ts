import { readFileSync } from 'node:fs';
import { createServer, type ServiceImplementation, type TsProtoServiceDefinition } from 'nice-grpc';
import { HealthDefinition, HealthServiceImpl } from 'nice-grpc-server-health';
import { ServerReflection, ServerReflectionService } from 'nice-grpc-server-reflection';
import type { MethodOptions } from '#kit/identity/access.ts';
import type { CallContextExtension } from '#kit/rpc/context.ts';
import { createMiddleware, type MethodRules, type MiddlewareOptions, rulesOf } from '#kit/rpc/middleware.ts';
import { quietGrpc } from '#kit/rpc/quiet.ts';
import { readStrictly } from '#kit/rpc/requests.ts';

/** The contracts, for tools that ask a server what it can do. */
const DESCRIPTORS = new URL('../../../gen/envoy/oxo.binpb', import.meta.url);
/** The largest message that a server takes. The front door's own limit for bodies is smaller. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const DEFAULT_MAX_CONCURRENT_CALLS = 500;

export type RpcServerOptions = Omit<MiddlewareOptions, 'maxConcurrentCalls'> & { maxConcurrentCalls?: number };

export interface RpcServer {
  /**
   * Serves the RPCs of one contract.
   * @throws Error when an RPC declares no access: such a server must not start
   */
  add<Service extends TsProtoServiceDefinition>(
    definition: Service,
    handlers: ServiceImplementation<Service, CallContextExtension>,
  ): void;
  /** @param address host:port; port 0 takes a free one. @returns the port */
  listen(address: string): Promise<number>;
  /** Takes no new calls and resolves when those in hand are answered. */
  close(): Promise<void>;
}

/** A gRPC server with health checks and reflection, in which every call passes the kit's middleware. */
export function createRpcServer(options: RpcServerOptions): RpcServer {
  quietGrpc();
  const rules = new Map<string, MethodRules>();
  const names: string[] = [];
  const server = createServer({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': 1_000,
    'grpc.max_metadata_size': 16 * 1024,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 10_000,
  }).use(createMiddleware({ maxConcurrentCalls: DEFAULT_MAX_CONCURRENT_CALLS, ...options }, rules));
  server.add(HealthDefinition, HealthServiceImpl());

  return {
    add(definition, handlers) {
      for (const method of Object.values(definition.methods)) {
        const path = `/${definition.fullName}/${method.name}`;
        rules.set(path, rulesOf(path, method.options as MethodOptions, options.metrics));
      }
      server.add(readStrictly(definition), handlers);
      names.push(definition.fullName);
    },
    listen(address) {
      server.add(ServerReflectionService, ServerReflection(readFileSync(DESCRIPTORS), names));
      return server.listen(address);
    },
    close: () => server.shutdown(),
  };
}
