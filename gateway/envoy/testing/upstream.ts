import { type CallContext, type CompatServiceDefinition, createServer, type ServiceImplementation } from 'nice-grpc';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { AuthServiceDefinition } from '#gen/oxo/auth/v1/auth_service.ts';
import { ConsentServiceDefinition } from '#gen/oxo/auth/v1/consent_service.ts';
import { FeedServiceDefinition } from '#gen/oxo/feed/v1/feed_service.ts';
import { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';

export interface RecordedCall {
  /** Such as "/oxo.post.v1.PostService/GetPost". */
  rpc: string;
  request: Record<string, unknown>;
  metadata: ReadonlyMap<string, string>;
}

type Answer = (request: Record<string, unknown>, context: CallContext) => unknown;

/** Stands behind Envoy and does what a test says: it implements every service, the internal ones too. */
export interface Upstream {
  port: number;
  /** Calls that arrived, oldest first. */
  calls: RecordedCall[];
  /** Decides what an RPC answers from now on; an empty message when never told. */
  answer(rpc: string, answer: Answer): void;
  /** Resolves when so many calls have arrived. @throws Error after 5 s */
  arrived(count: number): Promise<void>;
  reset(): void;
  stop(): Promise<void>;
}

const ARRIVAL_TIMEOUT_MS = 5_000;
const POLL_MS = 5;

const definitions = [
  AuthInternalServiceDefinition,
  AuthServiceDefinition,
  ConsentServiceDefinition,
  FeedServiceDefinition,
  PostInternalServiceDefinition,
  PostServiceDefinition,
  UserInternalServiceDefinition,
  UserServiceDefinition,
];

/** Starts on the port, or on a free one. */
export async function startUpstream(port = 0): Promise<Upstream> {
  const calls: RecordedCall[] = [];
  const answers = new Map<string, Answer>();
  const server = createServer();
  for (const definition of definitions)
    server.add(definition as CompatServiceDefinition, implement(definition, calls, answers));
  const boundPort = await server.listen(`127.0.0.1:${port}`);
  return {
    port: boundPort,
    calls,
    answer: (rpc, answer) => void answers.set(rpc, answer),
    async arrived(count) {
      const endMs = Date.now() + ARRIVAL_TIMEOUT_MS;
      while (calls.length < count) {
        if (Date.now() > endMs) throw new Error(`${calls.length} of ${count} calls arrived`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    reset: () => {
      calls.length = 0;
      answers.clear();
    },
    stop: async () => server.forceShutdown(),
  };
}

type Definition = (typeof definitions)[number];

function implement(definition: Definition, calls: RecordedCall[], answers: Map<string, Answer>) {
  const methods = Object.entries(definition.methods).map(([name, method]) => {
    const rpc = `/${definition.fullName}/${method.name}`;
    const unary = async (request: Record<string, unknown>, context: CallContext): Promise<unknown> => {
      const metadata = new Map([...context.metadata].map(([key, values]) => [key, values.join(', ')] as const));
      calls.push({ rpc, request, metadata });
      return (await answers.get(rpc)?.(request, context)) ?? {};
    };
    async function* streaming(request: Record<string, unknown>, context: CallContext) {
      yield await unary(request, context);
    }
    return [name, method.responseStream ? streaming : unary] as const;
  });
  return Object.fromEntries(methods) as ServiceImplementation<CompatServiceDefinition>;
}
