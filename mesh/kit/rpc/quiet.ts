import { setLogger } from '@grpc/grpc-js';

const nothing = (): void => undefined;

/**
 * Keeps gRPC's library from writing to stderr: it quotes metadata, tokens among them, when a header holds a byte that it does not
 * take, and when it traces. What it has to say reaches us as the error of a call.
 */
export function quietGrpc(): void {
  setLogger({ error: nothing, info: nothing, debug: nothing });
}
