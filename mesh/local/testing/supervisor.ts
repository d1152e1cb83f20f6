/** Supervises a stack of stand-ins for services, in a process that may be replaced: `node supervisor.ts OPTIONS [PID]`, the pid of whose stack it takes over. */
import { once } from 'node:events';
import { createPhases } from '../cli/terminal.ts';
import { planStack, type StackOptions } from '../stack/plan.ts';
import { takeOverStack } from '../stack/roll.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { bringUpToDate } from '../stack/upgrade.ts';

const [, , text = '{}', replaced] = process.argv;
const stopping = new AbortController();
process.on('SIGTERM', () => stopping.abort());

const options = JSON.parse(text) as StackOptions;
const stack = replaced === undefined ? await startStack(options, stopping.signal) : await takeOver(Number(replaced));
const alive = setInterval(() => {}, 60_000);
if (!stopping.signal.aborted) await once(stopping.signal, 'abort');
clearInterval(alive);
await stack.stop();

/** As `up` does: what servers hold first, then what runs. */
async function takeOver(supervisor: number): Promise<Stack> {
  const plan = planStack(options);
  await bringUpToDate(plan, plan.services, createPhases());
  return takeOverStack(options, supervisor, stopping.signal);
}
