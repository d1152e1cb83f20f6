import { availableParallelism, freemem } from 'node:os';
import { readDisk } from '../machine/disk.ts';
import type { Settings } from '../settings.ts';
import { fail, type Judgement, judge, ok, type Probe, warn } from './examination.ts';

const gibibyte = 1024 ** 3;
const nodeMajor = 24;

/** What has nothing to do with whether anything runs. */
export function machineProbes(settings: Pick<Settings, 'stateDir' | 'cacheDir'>): Probe[] {
  const next = 'df -h shows what is mounted there';
  return [
    { area: 'machine', name: 'Node', look: () => [nodeVersion()], next: 'install Node 24 or newer' },
    { area: 'machine', name: 'memory', look: () => [memory()], next: 'free -m' },
    { area: 'machine', name: 'disk of the state', look: () => disk(settings.stateDir), next },
    { area: 'machine', name: 'disk of the cache', look: () => disk(settings.cacheDir), next },
  ];
}

function nodeVersion(): Judgement {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= nodeMajor) return ok(`${process.versions.node}, ${availableParallelism()} CPUs`);
  return fail(`${process.versions.node} is too old`, `install Node ${nodeMajor} or newer, or let ./oxo fetch it`);
}

/** Of what the machine has; a full machine kills the largest process, which is Postgres or a service. */
function memory(): Judgement {
  const free = freemem();
  const message = `${(free / gibibyte).toFixed(1)} GiB available`;
  const verdict = judge(-free, { warnFrom: -0.5 * gibibyte, failFrom: -0.1 * gibibyte });
  return {
    verdict,
    message,
    next: verdict === 'ok' ? undefined : 'end what needs it: ./oxo status shows what ours take',
  };
}

/** Postgres and JetStream stop writing when it is full; nothing acknowledged is lost, but nothing more is taken. */
function disk(folder: string): Judgement[] {
  const { folder: existing, freeBytes: free, totalBytes, freeInodes, totalInodes } = readDisk(folder);
  const message = `${(free / gibibyte).toFixed(1)} GiB of ${(totalBytes / gibibyte).toFixed(0)} free (${existing})`;
  const next = `make room: du -xsh ${existing}/* | sort -h shows what is large`;
  const verdict = judge(-free, { warnFrom: -2 * gibibyte, failFrom: -0.5 * gibibyte });
  const found: Judgement[] = [{ verdict, message, next: verdict === 'ok' ? undefined : next }];
  if (freeInodes !== undefined && freeInodes / totalInodes < 0.01)
    found.push(warn('hardly any inodes are left', `df -i ${existing}`));
  return found;
}
