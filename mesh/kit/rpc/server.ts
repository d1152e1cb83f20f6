import { createServer, type ServiceImplementation, type TsProtoServiceDefinition } from 'nice-grpc';
import { HealthDefinition, HealthServiceImpl } from 'nice-grpc-server-health';
import type { AdmissionLimits } from '#kit/rpc/admission.ts';
import type { CallContextExtension } from '#kit/rpc/context.ts';
import {
  createMiddleware,
  type MethodContract,
  type MethodRules,
  type MiddlewareOptions,
  rulesOf,
} from '#kit/rpc/middleware.ts';
import { quietGrpc } from '#kit/rpc/quiet.ts';
import { reflectionDefinition, reflectionHandlers } from '#kit/rpc/reflection.ts';
import { readStrictly } from '#kit/rpc/requests.ts';

/** The largest message that a server takes. The front door's own limit for bodies is smaller. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** The front door lets 512 reads and 256 writes through to a service; this is for several front doors, and for neighbours. */
const DEFAULT_LIMITS: AdmissionLimits = { maxCalls: 768, maxStreams: 1_000 };

export type RpcServerOptions = Omit<MiddlewareOptions, 'limits'> & { limits?: AdmissionLimits };

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
    'grpc.max_concurrent_streams': 2_000,
    'grpc.max_metadata_size': 16 * 1024,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 10_000,
  }).use(createMiddleware({ limits: DEFAULT_LIMITS, ...options }, rules));
  server.add(HealthDefinition, HealthServiceImpl());

  return {
    add(definition, handlers) {
      for (const method of Object.values(definition.methods)) {
        const path = `/${definition.fullName}/${method.name}`;
        rules.set(path, rulesOf(path, method as MethodContract, options.metrics));
      }
      server.add(readStrictly(definition), handlers);
      names.push(definition.fullName);
    },
    listen(address) {
      server.add(reflectionDefinition, reflectionHandlers(names));
      return server.listen(address);
    },
    close: () => server.shutdown(),
  };
}
