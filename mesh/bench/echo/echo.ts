import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { CliError } from '../../local/cli/cli-error.ts';
import type { Target } from '../load/raw-connection.ts';
import type { ServerProcess } from '../servers/cpu.ts';
import type { RunningStack } from '../servers/running-stack.ts';
import { startEchoEnvoy } from './echo-envoy.ts';
import type { EchoPorts } from './echo-main.ts';

/** A bare gRPC server behind an Envoy that is like the stack's own. */
export type Echo = {
  /** Its front door. */
  readonly target: Target;
  readonly processes: readonly ServerProcess[];
  readonly stop: () => Promise<void>;
};

const startTimeoutMs = 10_000;

/**
 * Starts the echo.
 * @param page an encoded GetFeedResponse
 * @param kind "encoding": the page is encoded each time; "bytes": it is sent as it is
 */
export async function startEcho(stack: RunningStack, page: Uint8Array, kind: keyof EchoPorts): Promise<Echo> {
  const child = fork(join(import.meta.dirname, 'echo-main.ts'), [], { serialization: 'advanced' });
  const disconnect = (): void => {
    if (child.connected) child.disconnect();
  };
  try {
    child.send(page);
    const [ports] = (await once(child, 'message', { signal: AbortSignal.timeout(startTimeoutMs) })) as [EchoPorts];
    const envoy = await startEchoEnvoy(stack, ports[kind]);
    return {
      target: envoy.target,
      processes: [
        { name: 'envoy', pid: envoy.pid },
        { name: 'echo', pid: child.pid ?? 0 },
      ],
      stop: async () => {
        disconnect();
        await envoy.stop();
      },
    };
  } catch (error) {
    disconnect();
    throw new CliError(`the echo did not start: ${error}`, { cause: error });
  }
}
