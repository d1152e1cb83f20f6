import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { stackVariable } from '../servers/environment.ts';
import { environmentVariable } from './proc.ts';

export type Listener = {
  readonly pid: number;
  /** Its command line, at most 80 characters. */
  readonly command: string;
  /** The state folder of the stack that it belongs to. */
  readonly stackDir: string | undefined;
};

const maxCommandLength = 80;
/** The state of a socket that listens, in /proc/net/tcp. */
const listening = '0A';

/** Who listens on these TCP ports of this machine. A port on which nobody listens is left out; undefined: another user's process. */
export function findListeners(ports: Iterable<number>): Map<number, Listener | undefined> {
  const portOf = inodesOf(new Set(ports));
  const found = new Map<number, Listener | undefined>([...portOf.values()].map((port) => [port, undefined]));
  for (const pid of portOf.size === 0 ? [] : allPids()) {
    for (const inode of socketsOf(pid)) {
      const port = portOf.get(inode);
      if (port !== undefined && found.get(port) === undefined) found.set(port, describe(pid));
    }
  }
  return found;
}

/** In words: `process 12 (postgres -D …) of the stack in /x/.oxo`. */
export function nameListener(listener: Listener | undefined): string {
  if (listener === undefined) return "another user's process";
  const { pid, command, stackDir } = listener;
  return `process ${pid} (${command})${stackDir === undefined ? '' : ` of the stack in ${stackDir}`}`;
}

function describe(pid: number): Listener {
  const command = (read(`/proc/${pid}/cmdline`) ?? '').split('\0').join(' ').trim();
  return { pid, command: command.slice(0, maxCommandLength), stackDir: environmentVariable(pid, stackVariable) };
}

/** Inode of the socket → port. */
function inodesOf(wanted: ReadonlySet<number>): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of `${read('/proc/net/tcp')}\n${read('/proc/net/tcp6')}`.split('\n')) {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16);
    if (state === listening && inode !== undefined && wanted.has(port)) found.set(inode, port);
  }
  return found;
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Inodes; none where we may not look. */
function socketsOf(pid: number): string[] {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).flatMap((name) => /^socket:\[(\d+)\]$/.exec(linkOf(`${folder}/${name}`))?.[1] ?? []);
  } catch {
    return [];
  }
}

/** Descriptors are closed while one looks at them. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
