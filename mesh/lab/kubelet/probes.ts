import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import type { Container, HttpGet, Probe } from '../api/types.ts';
import { observe, type ProbeState, timingOf, untried } from './probe-state.ts';

/** What a probe is tried on. */
export type ProbeTarget = {
  readonly container: Container;
  readonly podIp: string;
  /** Runs a command in the container; true: it ended with 0. */
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<boolean>;
};

/** A probe that goes on until it is stopped. */
export type RunningProbe = { readonly state: () => ProbeState; readonly stop: () => void };

/**
 * Tries a probe again and again, each time after its period.
 * @param onChange called when the verdict has become another one
 */
export function startProbe(probe: Probe, target: ProbeTarget, onChange: (state: ProbeState) => void): RunningProbe {
  const timing = timingOf(probe);
  const stopping = new AbortController();
  let state = untried;
  const loop = async (): Promise<void> => {
    await pause(timing.initialDelayMs, stopping.signal);
    while (!stopping.signal.aborted) {
      const succeeded = await tryProbe(probe, target, timing.timeoutMs);
      if (stopping.signal.aborted) return;
      const before = state.verdict;
      state = observe(state, succeeded, timing);
      if (state.verdict !== before) onChange(state);
      await pause(timing.periodMs, stopping.signal);
    }
  };
  void loop();
  return { state: () => state, stop: () => stopping.abort() };
}

/** Once. @returns whether it succeeded within its time */
async function tryProbe(probe: Probe, target: ProbeTarget, timeoutMs: number): Promise<boolean> {
  const { exec, httpGet, grpc, tcpSocket } = probe;
  const late = new AbortController();
  try {
    const asked =
      exec !== undefined
        ? target.exec(exec.command, timeoutMs)
        : httpGet !== undefined
          ? getOk(httpGet, target, timeoutMs)
          : grpc !== undefined
            ? isServing(`${target.podIp}:${grpc.port}`, grpc.service ?? '', timeoutMs)
            : tcpSocket !== undefined
              ? accepts(target.podIp, portOf(tcpSocket.port, target.container), timeoutMs)
              : Promise.resolve(true);
    return await Promise.race([asked, delay(timeoutMs, false, { signal: late.signal })]);
  } catch {
    return false;
  } finally {
    late.abort();
  }
}

/** A port by its number, or by the name that the container gives to it. @throws Error when there is none of this name */
function portOf(port: number | string, { name, ports = [] }: Pick<Container, 'name' | 'ports'>): number {
  if (typeof port === 'number') return port;
  const found = ports.find((one) => one.name === port)?.containerPort ?? Number(port);
  if (Number.isNaN(found)) throw new Error(`container ${name} has no port ${port}`);
  return found;
}

/** 200 to 399 is a success; a redirection is not followed. */
export function getOk(
  { path = '/', port, scheme = 'HTTP', host, httpHeaders = [] }: HttpGet,
  { container, podIp }: Pick<ProbeTarget, 'container' | 'podIp'>,
  timeoutMs: number,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
  const options = {
    ...{ host: host ?? podIp, port: portOf(port, container), path, timeout: timeoutMs, agent: false },
    headers: { 'user-agent': 'kube-probe/1.36', connection: 'close', ...headers },
  };
  const answered = (response: { statusCode?: number | undefined; resume: () => void }): void => {
    response.resume();
    const { statusCode = 0 } = response;
    resolve(statusCode >= 200 && statusCode < 400);
  };
  // As the kubelet does: a probe asks whether somebody is there, not who.
  const asked =
    scheme === 'HTTPS'
      ? httpsRequest({ ...options, rejectUnauthorized: false }, answered)
      : httpRequest(options, answered);
  asked.on('timeout', () => asked.destroy());
  asked.on('error', () => resolve(false));
  asked.end();
  return promise;
}

const serving = 1;

/** grpc.health.v1.Health/Check, whose messages have one field each. */
function isServing(address: string, service: string, timeoutMs: number): Promise<boolean> {
  const client = new Client(address, credentials.createInsecure());
  const name = Buffer.from(service);
  const question = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  return new Promise<boolean>((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (message: Buffer) => message,
      (message: Buffer) => message[0] === 0x08 && message[1] === serving,
      question,
      { deadline: Date.now() + timeoutMs },
      (error, isHealthy) => resolve(error === null && isHealthy === true),
    );
  }).finally(() => client.close());
}

function accepts(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => {});
}
