/** Readings of a stack in which all is well, for tests of what judges them. */
import type { ProcessStatus } from '../read/processes.ts';
import type { Readings } from '../read/readings.ts';

export const nowMs = Date.parse('2026-11-28T03:00:00Z');

/** ISO 8601, so many seconds before now. */
export function ago(seconds: number): string {
  return new Date(nowMs - seconds * 1_000).toISOString();
}

export function processOf(name: string, more: Partial<ProcessStatus> = {}): ProcessStatus {
  const fixed = { pid: 7, restarts: 0, since: ago(3_600), lastExit: undefined, memoryBytes: 1, version: '1.0' };
  return { name, state: 'ready', failing: {}, frozen: false, ...fixed, ...more };
}

const names = ['postgres', 'redis', 'redis-limits', 'nats', 'mail', 'ratelimit'];
const services = ['auth', 'user', 'post', 'feed'];

/** The readings of all that runs well, but for these processes. */
export function processesBut(...others: readonly ProcessStatus[]): ProcessStatus[] {
  return [...names, ...services, 'envoy'].map((name) => others.find((each) => each.name === name) ?? processOf(name));
}

export const well: Readings = {
  nowMs,
  stack: {
    ...{ phase: 'running', publicUrl: 'http://127.0.0.1:8080', version: 'abcdefabcdef' },
    ...{ error: undefined, startedAt: ago(3_600), own: {} },
  },
  supervisor: { pid: 6, state: 'running' },
  urls: {
    ...{ frontDoor: '', envoyAdmin: '', database: '', databases: {}, redis: '', limitsRedis: '', nats: '', smtp: '' },
    ...{
      telemetry: undefined,
      prometheus: undefined,
      natsMonitor: undefined,
      mails: 'http://127.0.0.1:8106',
      grpc: {},
    },
    operations: Object.fromEntries([...services, 'feed-2'].map((name) => [name, 'http://127.0.0.1:1'])),
  },
  processes: processesBut(),
  frontDoor: { ms: 2 },
  outboxes: [{ schema: 'posts', waiting: 0, oldestSeconds: 0 }],
  events: { consumers: [], deadLetters: 0, deadSince: undefined },
  limits: { off: undefined, passed: 0, alone: 0, redisAway: undefined },
  keys: { signingAgeSeconds: 60, nextIsPublished: true, encryptionAgeSeconds: 60, rotateAfterDays: 90 },
  disk: { folder: '/state', freeBytes: 9e9, totalBytes: 1e10, freeInodes: 900, totalInodes: 1_000, full: false },
  samples: {},
  rates: undefined,
  longRates: undefined,
  alerts: undefined,
};
