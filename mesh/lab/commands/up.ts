import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../../local/cli/cli-error.ts';
import { parseFlags } from '../../local/cli/command.ts';
import { createPhases, type Progress } from '../../local/cli/terminal.ts';
import { withLock } from '../../local/machine/lock.ts';
import { supervisorVariable } from '../../local/servers/environment.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { logPathOf } from '../../local/supervisor/group.ts';
import { lastLines, withLogDescriptor } from '../../local/supervisor/log-file.ts';
import { identify, isAlive } from '../../local/supervisor/proc.ts';
import { readLiveState, readState } from '../../local/supervisor/state.ts';
import { type Lab, openLab } from '../folder.ts';
import { makeNodeNetwork, requirePrivileges } from '../net/network.ts';
import { ensurePrograms } from '../parts/ensure.ts';
import { removeLab } from '../remove.ts';
import { stateAddresses } from '../state/servers.ts';

const pollMs = 100;
const startTimeoutMs = 30 * 60_000;
const lockTimeoutMs = 5_000;

/** `./oxo mesh up` */
export async function up(argv: readonly string[]): Promise<number> {
  parseFlags(argv, {});
  await requirePrivileges();
  const startedAtMs = performance.now();
  const progress = createPhases();
  const lab = openLab(process.env);
  if (readLiveState(lab.dir)?.phase === 'running') {
    console.log('the lab is running already: ./oxo mesh status');
    return 0;
  }
  await ensurePrograms(lab.cacheDir, lab.dir, progress);
  const builtAtMs = performance.now();
  await withLock(`lab ${lab.dir}`, lockTimeoutMs, async () => {
    await removeLab(lab);
    // It was taken away with what the last one had left.
    const fresh = openLab(process.env);
    await ensurePrograms(fresh.cacheDir, fresh.dir, progress);
    await makeNodeNetwork(
      fresh.names,
      Object.values(stateAddresses).map(({ host }) => host),
    );
    await followDaemon(fresh, progress);
  });
  const seconds = (from: number): string => ((performance.now() - from) / 1_000).toFixed(1);
  console.log(`\nthe lab is ready (${seconds(builtAtMs)} s; ${seconds(startedAtMs)} s with its programs)`);
  console.log('next: ./oxo mesh test, ./oxo mesh status, ./oxo mesh kubectl get pods -A, ./oxo mesh down');
  return 0;
}

/** Starts the process that owns the lab, and shows its steps until all of it runs. */
async function followDaemon(lab: Lab, progress: Progress): Promise<void> {
  const logPath = logPathOf(lab.logDir, 'lab');
  const args = [
    `--net=/run/netns/${lab.names.node}`,
    '--',
    process.execPath,
    join(import.meta.dirname, '../daemon.ts'),
  ];
  const child = withLogDescriptor(logPath, (log) =>
    spawn('nsenter', args, {
      cwd: repositoryRoot,
      detached: true,
      env: { ...process.env, [supervisorVariable]: lab.dir },
      stdio: ['ignore', log, log],
    }),
  );
  child.unref();
  const interrupted = (): void => {
    console.error('oxo: interrupted; stopping what was begun (./oxo mesh down removes the rest)');
    child.kill('SIGTERM');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  const deadlineMs = performance.now() + startTimeoutMs;
  while (performance.now() < deadlineMs) {
    const state = readState(lab.dir);
    if (state !== undefined && state.supervisor.pid === child.pid) {
      progress.steps(state.steps);
      if (state.phase === 'running') return;
      if (state.phase === 'failed')
        throw new CliError(state.error?.message ?? 'the lab did not start', {
          advice: [
            ...(state.error?.advice ?? []),
            isAlive(state.supervisor)
              ? 'What runs is left as it is: ./oxo mesh status, ./oxo mesh logs, ./oxo mesh down'
              : `Its logs: ${lab.logDir}`,
          ],
        });
    }
    if (child.pid === undefined || identify(child.pid) === undefined)
      throw new CliError('the lab has ended while it started', { advice: lastLines(logPath, 10) });
    await delay(pollMs);
  }
  throw new CliError(`the lab does not start in ${startTimeoutMs / 60_000} minutes`, {
    advice: [`Its logs: ${lab.logDir}`],
  });
}
