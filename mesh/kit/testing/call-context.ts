import { Metadata } from 'nice-grpc';
import { MINUTE_MS } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { TestContext } from '#kit/testing/context.ts';
import type { TestIssuer } from '#kit/testing/tokens.ts';

/** Makes what a handler gets when a person calls, for parts that take it: their token is real. */
export function createCallContexts({ clock }: Pick<TestContext, 'clock'>, issuer: TestIssuer) {
  return async (userId: string): Promise<CallContext> => ({
    caller: await issuer.verifier.verifyUser(await issuer.userToken(userId)),
    rpc: '/test',
    requestId: newId(clock.nowMs()),
    deadlineMs: clock.nowMs() + MINUTE_MS,
    metadata: Metadata(),
    header: Metadata(),
    trailer: Metadata(),
    peer: 'test',
    signal: new AbortController().signal,
    sendHeader: () => undefined,
  });
}
