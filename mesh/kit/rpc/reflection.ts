/** What a server tells tools about its contracts (gRPC reflection). */
import { readFile } from 'node:fs/promises';
import type { CallContext, ServiceImplementation } from 'nice-grpc';

/** The contracts of all services. */
const DESCRIPTORS = new URL('../../../gen/envoy/oxo.binpb', import.meta.url);

const asItIs = (bytes: Uint8Array): Uint8Array => bytes;

/** The contract of reflection, whose messages stay bytes until the library that reads them is loaded. */
export const reflectionDefinition = {
  serverReflectionInfo: {
    path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    requestStream: true,
    responseStream: true,
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
    options: {},
  },
} as const;

/**
 * Answers by the library for it. That is loaded by the first call: hardly any process is ever asked, and all would hold it.
 * @param names full names of the services that are told
 */
export function reflectionHandlers(names: readonly string[]): ServiceImplementation<typeof reflectionDefinition> {
  return {
    async *serverReflectionInfo(requests: AsyncIterable<Uint8Array>, context: CallContext) {
      const { ServerReflection, ServerReflectionService } = await import('nice-grpc-server-reflection');
      const { requestDeserialize, responseSerialize } = ServerReflectionService.serverReflectionInfo;
      const handlers = ServerReflection(await readFile(DESCRIPTORS), names);
      async function* messages() {
        for await (const bytes of requests) yield requestDeserialize(Buffer.from(bytes));
      }
      for await (const response of handlers.serverReflectionInfo(messages(), context))
        yield responseSerialize(response);
    },
  };
}
