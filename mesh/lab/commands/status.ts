import { parseFlags } from '../../local/cli/command.ts';
import { formatTable } from '../../local/cli/terminal.ts';
import { readLiveState, readState } from '../../local/supervisor/state.ts';
import type { Api } from '../api/client.ts';
import type { KubernetesList, Pod } from '../api/types.ts';
import { readyUrl } from '../control-plane/istiod.ts';
import { answersHttp } from '../control-plane/kubernetes.ts';
import { type Lab, openLab } from '../folder.ts';
import { serversOutside } from '../state/servers.ts';
import { certificateOf } from '../status/certificates.ts';
import { problemOfCertificate, problemOfServer } from '../status/outside.ts';
import { problemsOf } from '../status/problems.ts';
import { type Deployment, type Job, problemOfDeployment, problemOfJob } from '../status/workloads.ts';
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
  const servers = readLiveState(lab.serversDir)?.processes ?? [];
  const processes = [...live.processes, ...servers];
  const rows = processes.map(({ name, state, restarts }) => [name, state, String(restarts)]);
  console.log(`${formatTable([['process', 'state', 'restarts'], ...rows])}\n`);
  const api = requireApi(lab);
  const problems = [...(await describePods(api, lab)), ...(await problemsBesidePods(api))];
  const lagging = processes.filter(({ state }) => state !== 'ready');
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
  console.log(
    formatTable([head, ...rows.map(({ cells }) => cells).toSorted((a, b) => (a.join() < b.join() ? -1 : 1))]),
  );
  return [...items.flatMap(problemsOf), ...rows.flatMap(({ problems }) => problems)];
}

/** Of what has no pod of its own: rollouts, servers outside the mesh, and who renews certificates. */
async function problemsBesidePods(api: Api): Promise<string[]> {
  const [deployments, jobs, isRenewing, servers] = await Promise.all([
    api.get<KubernetesList<Deployment>>('/apis/apps/v1/deployments'),
    api.get<KubernetesList<Job>>('/apis/batch/v1/jobs'),
    answersHttp(readyUrl).catch(() => false),
    Promise.all(serversOutside().map((server) => problemOfServer(server, `./oxo mesh logs ${server.name}`))),
  ]);
  return [
    ...servers.flat(),
    ...(isRenewing ? [] : ['istiod does not answer: certificates and changes wait. ./oxo mesh logs istiod']),
    ...deployments.items.flatMap(problemOfDeployment),
    ...jobs.items.flatMap(problemOfJob),
  ];
}

type Row = { readonly cells: string[]; readonly problems: string[] };

async function rowOf(lab: Lab, { metadata, status: now }: Pod): Promise<Row> {
  const all = [...(now?.initContainerStatuses ?? []), ...(now?.containerStatuses ?? [])];
  const serving = all.filter(({ state }) => !('terminated' in state));
  const ready = `${serving.filter((one) => one.ready).length}/${serving.length}`;
  const restarts = all.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const ip = now?.podIP ?? '';
  const hasSidecar = all.some(({ name, ready: isReady }) => name === 'istio-proxy' && isReady);
  const certificate = hasSidecar && ip !== '' ? await certificateOf(lab.names.pod(ip)) : undefined;
  const age =
    certificate === undefined ? '–' : `${minutes(certificate.ageMs)} old, ${minutes(certificate.leftMs)} left`;
  const { namespace = '', name } = metadata;
  return {
    cells: [namespace, name, ready, now?.phase ?? 'Pending', String(restarts), ip, age],
    problems: certificate === undefined ? [] : problemOfCertificate(name, certificate),
  };
}

function minutes(ms: number): string {
  const whole = Math.round(ms / 60_000);
  return whole < 120 ? `${whole} min` : `${Math.round(whole / 60)} h`;
}
