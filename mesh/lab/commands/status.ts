import { parseFlags } from '../../local/cli/command.ts';
import { formatTable } from '../../local/cli/terminal.ts';
import { readLiveState, readState } from '../../local/supervisor/state.ts';
import type { Api } from '../api/client.ts';
import type { KubernetesList, Pod } from '../api/types.ts';
import { type Lab, openLab } from '../folder.ts';
import { certificateOf } from '../status/certificates.ts';
import { problemsOf } from '../status/problems.ts';
import { requireApi } from './inside.ts';

/** `./oxo mesh status`. @returns 1 when something is wrong */
export async function status(argv: readonly string[]): Promise<number> {
  parseFlags(argv, {});
  const lab = openLab(process.env);
  const live = readLiveState(lab.dir);
  if (live === undefined) {
    const phase = readState(lab.dir)?.phase ?? 'nobody has started one';
    console.log(
      `the lab's own process is not there (${phase}). Nobody looks after its pods, and they do not reach their servers: ./oxo mesh up starts anew`,
    );
    return 1;
  }
  const rows = live.processes.map(({ name, state, restarts }) => [name, state, String(restarts)]);
  console.log(`${formatTable([['process', 'state', 'restarts'], ...rows])}\n`);
  const api = requireApi(lab);
  const problems = await describePods(api, lab);
  const lagging = live.processes.filter(({ state }) => state !== 'ready');
  for (const { name } of lagging) problems.push(`${name} is not ready: ./oxo mesh logs ${name}`);
  if (live.phase !== 'running')
    problems.push(`the lab is ${live.phase}: ${live.error?.message ?? 'wait, or see ./oxo mesh logs lab'}`);
  console.log(problems.length === 0 ? '\nall is well' : `\nwrong:\n${problems.map((line) => `  ${line}`).join('\n')}`);
  return problems.length === 0 ? 0 : 1;
}

/** @returns what is wrong */
async function describePods(api: Api, lab: Lab): Promise<string[]> {
  const { items } = await api.get<KubernetesList<Pod>>('/api/v1/pods');
  const rows = await Promise.all(items.map((pod) => rowOf(lab, pod)));
  const head = ['namespace', 'pod', 'ready', 'phase', 'restarts', 'address', 'certificate'];
  console.log(formatTable([head, ...rows.toSorted((a, b) => (a.join() < b.join() ? -1 : 1))]));
  return items.flatMap(problemsOf);
}

async function rowOf(lab: Lab, { metadata, status: now }: Pod): Promise<string[]> {
  const all = [...(now?.initContainerStatuses ?? []), ...(now?.containerStatuses ?? [])];
  const serving = all.filter(({ state }) => !('terminated' in state));
  const ready = `${serving.filter((one) => one.ready).length}/${serving.length}`;
  const restarts = all.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const ip = now?.podIP ?? '';
  const hasSidecar = all.some(({ name, ready: isReady }) => name === 'istio-proxy' && isReady);
  const certificate = hasSidecar && ip !== '' ? await certificateOf(lab.names.pod(ip)) : undefined;
  const age =
    certificate === undefined ? '–' : `${minutes(certificate.ageMs)} old, ${minutes(certificate.leftMs)} left`;
  return [metadata.namespace ?? '', metadata.name, ready, now?.phase ?? 'Pending', String(restarts), ip, age];
}

function minutes(ms: number): string {
  const whole = Math.round(ms / 60_000);
  return whole < 120 ? `${whole} min` : `${Math.round(whole / 60)} h`;
}
