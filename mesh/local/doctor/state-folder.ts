import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#kit/clock.ts';
import { restoreProblem } from '../backup/mark.ts';
import { CliError } from '../cli/cli-error.ts';
import { findProcesses } from '../supervisor/orphans.ts';
import { isAlive, isStopped } from '../supervisor/proc.ts';
import { orphansOf, readState, type StackState } from '../supervisor/state.ts';
import { fail, type Judgement, ok, type Probe, warn } from './examination.ts';

/** Files that hold passwords or what people wrote, when they are there. */
const privateFiles = [
  'secrets.json',
  'run/state.json',
  'run/key-encryption-keys',
  'run/envoy.yaml',
  'data/nats/nats.conf',
  'data/redis/users.acl',
  'data/redis-limits/users.acl',
];
const privateFolders = ['data/postgres', 'data/nats', 'data/redis', 'data/redis-limits'];

/** What lies in the state folder. The modes are read at once, before anything else mends them on its way. */
export function stateFolderProbes(stateDir: string): Probe[] {
  const modes = judgeModes(stateDir);
  return [
    { area: 'state folder', name: 'permissions', look: () => modes, next: `ls -la ${stateDir}` },
    ...restoreProbes(stateDir),
    { area: 'state folder', name: 'supervisor', look: () => [judgeState(stateDir)], next: './oxo down, then ./oxo up' },
  ];
}

/** Of a restore that ended there is nothing to say. */
function restoreProbes(stateDir: string): Probe[] {
  const problem = restoreProblem(stateDir);
  if (problem === undefined) return [];
  return [
    { area: 'state folder', name: 'restore', look: () => [fail(problem.message, problem.next)], next: problem.next },
  ];
}

function judgeModes(stateDir: string): Judgement[] {
  if (!existsSync(stateDir)) return [ok(`${stateDir} is not there yet; ./oxo up makes it`)];
  const own = process.getuid?.() ?? 0;
  const { uid, mode } = statSync(stateDir);
  const found: Judgement[] = [];
  if (uid !== own && own !== 0) found.push(fail(`${stateDir} belongs to user ${uid}`, 'run ./oxo as that user'));
  if ((mode & 0o022) !== 0) found.push(fail(`others may write into ${stateDir}`, `chmod go-w ${stateDir}`));
  for (const path of [...privateFiles, ...privateFolders, ...logsOf(stateDir)].map((name) => join(stateDir, name))) {
    const open = existsSync(path) ? statSync(path).mode & 0o077 : 0;
    if (open === 0) continue;
    const what = `${path} is open to others (mode ${(statSync(path).mode & 0o777).toString(8)})`;
    const exposed = path.endsWith('secrets.json') ? '; its passwords may be known to whoever can log in here' : '';
    found.push(fail(what, `chmod go= ${path}${exposed}`));
  }
  return found.length > 0 ? found : [ok(`${stateDir}: secrets, data and logs are closed to others`)];
}

function logsOf(stateDir: string): string[] {
  const folder = join(stateDir, 'logs');
  return existsSync(folder) ? readdirSync(folder).map((name) => join('logs', name)) : [];
}

function judgeState(stateDir: string): Judgement {
  let state: StackState | undefined;
  try {
    state = readState(stateDir);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return fail(error.message, error.advice.join(' '));
  }
  if (state === undefined) {
    const lost = findProcesses(stateDir);
    return lost.length > 0
      ? fail(`there is no state of what runs: ${lost.join(', ')}`, './oxo down stops them')
      : warn('nothing was started yet', './oxo up');
  }
  const { supervisor, phase } = state;
  if (isStopped(supervisor)) return fail('it is frozen (stopped by a signal)', `kill -CONT ${supervisor.pid}`);
  if (isAlive(supervisor)) return judgePhase(state);
  const orphans = orphansOf(state).map(({ name }) => name);
  if (orphans.length > 0) return fail(`it died and left ${orphans.join(', ')}`, './oxo up takes them over');
  if (phase === 'failed')
    return fail(`the last start failed: ${state.error?.message}`, state.error?.advice.at(-1) ?? './oxo up');
  if (phase !== 'stopped')
    return fail(`it died while ${phase}; nothing runs`, './oxo up; ./oxo logs supervisor may say why');
  return warn('the stack is down', './oxo up');
}

/** Of a supervisor that lives. */
export function judgePhase({ phase, supervisor, startedAt, error, version }: StackState): Judgement {
  if (Date.parse(startedAt) > systemClock.nowMs() + 1_000) {
    return warn(
      `it started at ${startedAt}, which is in the future: the clock was set back`,
      'timedatectl shows the clock',
    );
  }
  if (phase === 'running' && error !== undefined) return fail(error.message, error.advice.at(-1) ?? './oxo up');
  if (phase === 'running' && version === undefined) return warn('it is not known which version runs', './oxo up');
  if (phase === 'running') return ok(`process ${supervisor.pid}, since ${startedAt.slice(0, 19).replace('T', ' ')}`);
  return warn(`the stack is ${phase}`, './oxo status shows how far it is');
}
