import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderEnvoyConfig } from '../render.ts';
import type { EnvoySettings, StaticFile } from '../settings.ts';
import { type Issuer, startIssuer } from './jwks.ts';
import { plenty } from './plenty.ts';
import { startUpstream, type Upstream } from './upstream.ts';
import { everyUpstream } from './upstreams.ts';

const START_TIMEOUT_MS = 20_000;
const LOG_TIMEOUT_MS = 5_000;
const POLL_MS = 20;
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** As gateway/web has it, which is not known here. */
const description: StaticFile = {
  path: '/openapi.yaml',
  file: join(root, 'gen/openapi.yaml'),
  bytes: 1,
  contentType: 'application/yaml',
  cacheControl: 'public, max-age=300',
  etag: 'W/"1"',
  readableByPages: true,
};

/** A real Envoy with our configuration, an issuer of tokens and one upstream that plays every service but feed. */
export interface FrontDoor {
  host: string;
  port: number;
  adminPort: number;
  upstream: Upstream;
  issuer: Issuer;
  /** The port where the feed service would be: nothing listens there until a test does. */
  feedPort: number;
  /** The line of the access log of a request; it is written a moment after the answer. */
  accessLogLine(requestId: string): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

/** @throws Error when TEST_ENVOY_BINARY is not set or Envoy is not ready within 20 s. */
export async function startFrontDoor(change: Partial<EnvoySettings> = {}): Promise<FrontDoor> {
  const binary = process.env.TEST_ENVOY_BINARY;
  if (binary === undefined) throw new Error('TEST_ENVOY_BINARY is not set: ./oxo test sets it');
  const host = '127.0.0.1';
  const publicUrl = 'https://oxo.example';
  const [port, adminPort, feedPort] = await freePorts();
  const [upstream, issuer] = await Promise.all([startUpstream(), startIssuer(publicUrl)]);
  const service = { host, port: upstream.port };
  const config = renderEnvoyConfig({
    listen: { host, port },
    admin: { host, port: adminPort },
    upstreams: { ...everyUpstream(service), feed: { host, port: feedPort } },
    authHttp: { host, port: issuer.port },
    descriptorPath: join(root, 'gen/envoy/oxo.binpb'),
    files: [description],
    publicUrl,
    corsOrigins: ['https://app.example'],
    trustedHops: 0,
    limits: plenty,
    ...change,
  });
  const stopOthers = () => Promise.all([upstream.stop(), issuer.stop()]);
  const envoy = await startEnvoy(binary, config, adminPort).catch(async (error: unknown) => {
    await stopOthers();
    throw error;
  });
  const stop = async (): Promise<void> => {
    await envoy.stop();
    await stopOthers();
  };
  return { host, port, adminPort, upstream, issuer, feedPort, accessLogLine: envoy.accessLogLine, stop };
}

async function startEnvoy(binary: string, config: string, adminPort: number) {
  const directory = await mkdtemp(join(tmpdir(), 'oxo-envoy-'));
  const configPath = join(directory, 'envoy.yaml');
  await writeFile(configPath, config);
  const args = [
    ...['--config-path', configPath, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning'],
    ...['--file-flush-interval-msec', '50'],
  ];
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isReady(adminPort))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`Envoy did not start:\n${stderr}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const accessLogLine = async (requestId: string): Promise<Record<string, unknown>> => {
    const end = Date.now() + LOG_TIMEOUT_MS;
    for (;;) {
      const lines = stdout.split('\n').filter((line) => line.includes(requestId));
      if (lines[0] !== undefined) return JSON.parse(lines[0]);
      if (Date.now() > end) throw new Error(`no access log line of ${requestId}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  return { stop, accessLogLine };
}

async function isReady(adminPort: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${adminPort}/ready`)).ok;
  } catch {
    return false;
  }
}

/** Three ports that were free a moment ago: Envoy has to be told its own. */
async function freePorts(): Promise<[number, number, number]> {
  const servers = [createServer(), createServer(), createServer()] as const;
  const listen = (server: Server): Promise<number> =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    });
  const ports = await Promise.all([listen(servers[0]), listen(servers[1]), listen(servers[2])]);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
