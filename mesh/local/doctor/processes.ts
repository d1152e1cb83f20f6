import { isGone, stateNow } from '../commands/status/read/processes.ts';
import { handedOutAdvice, handedOutPorts } from '../ports.ts';
import type { StackPlan } from '../stack/plan.ts';
import { portsOf } from '../stack/stack.ts';
import { findListeners, nameListener } from '../supervisor/listeners.ts';
import { isAlive, isStopped, type ProcessIdentity } from '../supervisor/proc.ts';
import type { ProcessRecord, StackState } from '../supervisor/state.ts';
import { fail, type Judgement, ok, type Probe, warn } from './examination.ts';

const restartsToWarn = 3;

/** Each process that the supervisor knows, or knew before it died, asked for a sign of life and whether it can work. */
export function processProbes(plan: StackPlan, state: StackState): Probe[] {
  return state.processes.map((record) => ({
    area: 'processes',
    name: record.name,
    look: async () => [await judgeProcess(plan, record, state.supervisor)],
    next: `./oxo logs ${record.name}`,
  }));
}

async function judgeProcess(plan: StackPlan, record: ProcessRecord, supervisor: ProcessIdentity): Promise<Judgement> {
  const { name, state, restarts, lastExit, identity } = record;
  const logs = `./oxo logs ${name}`;
  const history = restarts === 0 ? '' : `; started again ${restarts} times, last after ${lastExit}`;
  const dead = !isAlive(supervisor);
  const thaw = isStopped(supervisor) ? `kill -CONT ${supervisor.pid} (the supervisor)` : undefined;
  if (isGone(record)) return fail(`its process is gone${history}`, thaw ?? './oxo up');
  if (state !== 'ready') return fail(`${state}${history}`, thaw ?? (dead ? './oxo up' : logs));
  const again = dead || thaw !== undefined ? '' : ', or wait: the supervisor starts it again';
  if (identity !== undefined && isStopped(identity))
    return fail('frozen: a signal has stopped it', `kill -CONT ${identity.pid}${again}`);
  const now = await stateNow(plan, record);
  if (now === 'not answering') {
    const next = again === '' ? logs : 'the supervisor starts it again within half a minute';
    return fail('frozen: it accepts connections and says nothing', next);
  }
  if (now !== 'ready') return fail(`${now}: it runs, and something that it needs is away${history}`, logs);
  return restarts >= restartsToWarn ? warn(`ready${history}`, logs) : ok(`ready${history}`);
}

/** Whether the next start would find its ports: free, or held by this stack itself. Nothing is opened to find out. */
export function portProbe(plan: StackPlan): Probe {
  return { area: 'machine', name: 'ports', look: () => judgePorts(plan), next: 'ss -ltnp' };
}

function judgePorts(plan: StackPlan): Judgement[] {
  const wanted = portsOf(plan);
  const holders = findListeners(wanted.values());
  const foreign = [...wanted].filter(([, port]) => holders.has(port) && holders.get(port)?.stackDir !== plan.stateDir);
  const handedOut = handedOutPorts(wanted.values());
  if (foreign.length === 0 && handedOut.length > 0)
    return [
      warn(`${handedOut.length} ports from ${plan.portBase} on are given to outgoing connections too`, handedOutAdvice),
    ];
  if (foreign.length === 0) return [ok(`${wanted.size} ports from ${plan.portBase} on are free or ours`)];
  return foreign.map(([name, port]) =>
    fail(
      `port ${port} (${name}) is held by ${nameListener(holders.get(port))}`,
      'stop it, or move this stack: OXO_PORT_BASE=18080 ./oxo up',
    ),
  );
}
