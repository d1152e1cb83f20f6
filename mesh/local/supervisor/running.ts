import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../cli/cli-error.ts';
import { withLogDescriptor } from './log-file.ts';
import { isAlive, type ProcessIdentity, signal } from './proc.ts';
import type { ProcessSpec } from './process.ts';

/** A process that a supervisor looks after, whether it started it or took it over. */
export type RunningProcess = {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Says whether there was a process to send the signal to. */
  readonly kill: (signal: NodeJS.Signals) => boolean;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
};

const pollMs = 100;

/** In a process group of its own, so that Ctrl-C at a terminal reaches the supervisor alone, which stops all in order. */
export function spawnLogged(spec: ProcessSpec): RunningProcess {
  const child = withLogDescriptor(spec.logPath, (log) =>
    spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: { ...spec.env },
      detached: true,
      stdio: ['ignore', log, log],
      ...(spec.uid === undefined ? {} : { uid: spec.uid, gid: spec.uid }),
    }),
  );
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, name) => resolve(name === null ? `exit code ${code}` : name));
    child.once('error', (error) => resolve(messageOf(error)));
  });
  return { pid: child.pid, kill: (name) => child.kill(name), ended };
}

/** A process that is nobody's child any more: it is asked for, since the kernel tells only parents of an end, and how it came. */
export function adopt(identity: ProcessIdentity): RunningProcess {
  const ended = async (): Promise<string> => {
    while (isAlive(identity)) await delay(pollMs);
    return 'an end that only its parent could have seen';
  };
  return { pid: identity.pid, kill: (name) => signal(identity, name), ended: ended() };
}
