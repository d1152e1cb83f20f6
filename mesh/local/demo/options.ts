import { CliError } from '../cli/cli-error.ts';
import { parseFlags, wholeNumber } from '../cli/command.ts';
import { services } from '../services.ts';
import { readSettings } from '../settings.ts';
import { planStack, type StackUrls } from '../stack/plan.ts';
import { readLiveState, withRunningSettings } from '../supervisor/state.ts';

export type DemoOptions = {
  readonly graphPath: string | undefined;
  readonly seed: number;
  /** People of the made-up graph. */
  readonly people: number;
  readonly connections: number;
  /** The stack's limit of followers to whom posts are pushed, lowered for this run; undefined: nobody crosses it. */
  readonly pullAbove: number | undefined;
  readonly target: DemoTarget;
};

/** The stack that the demo talks to. */
export type DemoTarget = {
  readonly frontDoor: string;
  /** What stands behind the front door, where it is a stack of this machine. */
  readonly behind: StackUrls | undefined;
};

const defaultSeed = 1;
const defaultPeople = 200;
const defaultConnections = 32;

/** @throws CliError (exit code 2) on wrong flags, (1) when no stack runs and no URL is given */
export function readDemoOptions(argv: readonly string[], env: NodeJS.ProcessEnv): DemoOptions {
  const { values } = parseFlags(argv, {
    graph: { type: 'string' },
    seed: { type: 'string', default: String(defaultSeed) },
    people: { type: 'string', default: String(defaultPeople) },
    connections: { type: 'string', default: String(defaultConnections) },
    'pull-above': { type: 'string' },
    url: { type: 'string' },
  });
  return {
    graphPath: values.graph,
    seed: wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1),
    people: wholeNumber('--people', values.people, 3, 10_000),
    connections: wholeNumber('--connections', values.connections, 1, 256),
    pullAbove:
      values['pull-above'] === undefined ? undefined : wholeNumber('--pull-above', values['pull-above'], 1, 100_000),
    target: values.url === undefined ? runningStack(env) : { frontDoor: frontDoorOf(values.url), behind: undefined },
  };
}

/**
 * The stack that runs on this machine.
 * @throws CliError when none does
 */
function runningStack(env: NodeJS.ProcessEnv): DemoTarget & { readonly behind: StackUrls } {
  const settings = readSettings(env);
  const live = readLiveState(settings.stateDir);
  if (live?.phase !== 'running') {
    throw new CliError('nothing runs here yet', { advice: ['./oxo up starts it', 'or name a front door with --url'] });
  }
  const behind = planStack({ ...withRunningSettings(settings), services }).urls;
  return { frontDoor: behind.frontDoor, behind };
}

function frontDoorOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || url.protocol !== 'http:' || url.search !== '' || url.hash !== '') {
    throw new CliError(`--url must be the http:// URL of a front door, not "${text}"`, { exitCode: 2 });
  }
  return text.replace(/\/+$/, '');
}
