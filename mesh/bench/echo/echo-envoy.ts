import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { renderEnvoyConfig, type UpstreamName } from '../../../gateway/envoy/render.ts';
import { findFreePortBase, loopback, serverPorts } from '../../local/ports.ts';
import { writePrivately } from '../../local/secrets.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { lastLines, withLogDescriptor } from '../../local/supervisor/log-file.ts';
import type { Target } from '../load/raw-connection.ts';
import type { RunningStack } from '../servers/running-stack.ts';

export type EchoEnvoy = { readonly target: Target; readonly pid: number; readonly stop: () => Promise<void> };

const startTimeoutMs = 20_000;
const pollMs = 50;

/** A second Envoy with the template, settings and concurrency of the stack's own; only its feed service is another one. */
export async function startEchoEnvoy({ plan, envoyProgram }: RunningStack, feedPort: number): Promise<EchoEnvoy> {
  const { frontDoor, envoyAdmin } = serverPorts(await findFreePortBase());
  const directory = mkdtempSync(join(tmpdir(), 'oxo-bench-'));
  const upstreams = Object.entries(plan.urls.grpc).map(([name, address]) => [name, endpointOf(address)]);
  const config = renderEnvoyConfig({
    listen: { host: loopback, port: frontDoor },
    admin: { host: loopback, port: envoyAdmin },
    upstreams: {
      ...(Object.fromEntries(upstreams) as Record<UpstreamName, Target>),
      feed: { host: loopback, port: feedPort },
    },
    authHttp: { host: loopback, port: serverPorts(plan.portBase).authHttp },
    descriptorPath: join(repositoryRoot, 'gen/envoy/oxo.binpb'),
    openapiPath: join(repositoryRoot, 'gen/openapi.yaml'),
    publicUrl: plan.publicUrl,
    corsOrigins: plan.corsOrigins,
    trustedHops: plan.trustedHops,
    ...(plan.tracing === undefined ? {} : { tracing: plan.tracing }),
  });
  const configPath = join(directory, 'envoy.yaml');
  const logPath = join(directory, 'envoy.log');
  writePrivately(configPath, config);
  const args = ['--config-path', configPath, '--concurrency', String(plan.envoyConcurrency)];
  // The access log goes to a file, as that of the stack's own Envoy does.
  const child = withLogDescriptor(logPath, (log) =>
    spawn(envoyProgram, [...args, '--disable-hot-restart', '--log-level', 'warning'], { stdio: ['ignore', log, log] }),
  );
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    rmSync(directory, { recursive: true, force: true });
  };
  const deadlineMs = performance.now() + startTimeoutMs;
  while (!(await isReady(envoyAdmin))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      const said = lastLines(logPath, 5).join('\n');
      await stop();
      throw new Error(`the second Envoy did not become ready: ${said || 'it says nothing'}`);
    }
    await delay(pollMs);
  }
  return { target: { host: loopback, port: frontDoor }, pid: child.pid ?? 0, stop };
}

function endpointOf(address: string): Target {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

async function isReady(adminPort: number): Promise<boolean> {
  try {
    const response = await fetch(`http://${loopback}:${adminPort}/ready`, { signal: AbortSignal.timeout(1_000) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
