import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { renderEnvoyConfig } from '../../../gateway/envoy/render.ts';
import { findFreePortBase, loopback, serverPorts } from '../../local/ports.ts';
import { writePrivately } from '../../local/secrets.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { gatewayOf, upstreamsOf } from '../../local/stack/front-door.ts';
import { lastLines, withLogDescriptor } from '../../local/supervisor/log-file.ts';
import type { ProcessSpec } from '../../local/supervisor/process.ts';
import type { Target } from '../load/raw-connection.ts';
import type { RunningStack } from '../servers/running-stack.ts';

export type EchoEnvoy = { readonly target: Target; readonly pid: number; readonly stop: () => Promise<void> };

const pollMs = 50;

/** A second Envoy, run as the stack's own is, with the same template; only its feed service is another one. */
export async function startEchoEnvoy(stack: RunningStack, feedPort: number): Promise<EchoEnvoy> {
  const directory = mkdtempSync(join(tmpdir(), 'oxo-bench-'));
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (child?.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const portBase = await findFreePortBase();
    const spec = gatewayOf({ ...stack.plan, stateDir: directory, portBase }, stack.envoyProgram, { limited: false });
    writePrivately(join(directory, 'run/envoy.yaml'), configOf(stack, portBase, feedPort));
    const logPath = join(directory, 'envoy.log');
    // The access log goes to a file, as that of the stack's own Envoy does.
    child = withLogDescriptor(logPath, (log) =>
      spawn(spec.command, spec.args, { cwd: spec.cwd, env: spec.env, stdio: ['ignore', log, log] }),
    );
    await untilReady(spec, child, logPath);
    return { target: { host: loopback, port: serverPorts(portBase).frontDoor }, pid: child.pid ?? 0, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** As that of the stack: other ports, and an echo for the feed service. */
function configOf({ plan }: RunningStack, portBase: number, feedPort: number): string {
  const { frontDoor, envoyAdmin } = serverPorts(portBase);
  const { upstreams, authHttp } = upstreamsOf(plan);
  return renderEnvoyConfig({
    listen: { host: loopback, port: frontDoor },
    admin: { host: loopback, port: envoyAdmin },
    upstreams: {
      ...upstreams,
      feed: { host: loopback, port: feedPort },
    },
    authHttp,
    descriptorPath: join(repositoryRoot, 'gen/envoy/oxo.binpb'),
    publicUrl: plan.publicUrl,
    corsOrigins: plan.corsOrigins,
    trustedHops: plan.trustedHops,
    trustTraceparent: plan.trustTraceparent,
    limits: plan.limits.edge,
    ...(plan.tracing === undefined ? {} : { tracing: plan.tracing }),
  });
}

async function untilReady(spec: ProcessSpec, child: ChildProcess, logPath: string): Promise<void> {
  const deadlineMs = performance.now() + spec.readyTimeoutMs;
  while (!(await spec.probe().catch(() => false))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      const said = lastLines(logPath, 5).join('\n');
      throw new Error(`the second Envoy did not become ready: ${said || 'it says nothing'}`);
    }
    await delay(pollMs);
  }
}
