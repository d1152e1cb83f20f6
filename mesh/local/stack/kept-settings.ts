/** What a stack was started with goes on to whoever starts or replaces it later, unless another value is given then. */
import { fixedVariables, runtimeVariables } from '../settings.ts';
import { environmentVariable, isAlive } from '../supervisor/proc.ts';
import { DamagedStateError, readState, type StackState } from '../supervisor/state.ts';

type Variables = Readonly<Record<string, string>>;

/** They may hold a password. */
const unprintable: readonly string[] = [
  'DATABASE_URL',
  'REDIS_URL',
  'LIMITS_REDIS_URL',
  'NATS_URL',
  'MAIL_SMTP_URL',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
];
const defaults: Variables = { OXO_PORT_BASE: '8080', OXO_REPLICAS: '1' };

/**
 * The variables that a stack runs with, or ran with until it died; none of one that was stopped, which starts as its caller says.
 * Of one from before they were written down, those of its supervisor, while that lives.
 */
export function keptVariables(stateDir: string): Variables {
  const state = readStateOrNone(stateDir);
  if (state === undefined || (state.phase !== 'running' && state.phase !== 'starting')) return {};
  return { ...runtimeVariablesOf(state), ...fixedVariablesOf(state) };
}

/** Those of them that a roll can change. */
export function runtimeVariablesOf({ variables, supervisor }: StackState): Variables {
  if (variables !== undefined) return variables;
  if (!isAlive(supervisor)) return {};
  return present(runtimeVariables.map((name) => [name, environmentVariable(supervisor.pid, name)]));
}

/** An environment with what is kept where nothing is given; an empty value gives nothing. */
export function withKept(kept: Variables, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const given = Object.entries(env).filter(([name, value]) => value !== '' || kept[name] === undefined);
  return { ...kept, ...Object.fromEntries(given) };
}

export type KeptInWords = {
  /** `NAME=value` of what was not given and is not the default. */
  readonly kept: readonly string[];
  /** What a roll changes. */
  readonly changed: readonly { readonly name: string; readonly before: string; readonly now: string }[];
  /** Names of what was given and only a new start could change. */
  readonly ignored: readonly string[];
};

/** What becomes of the settings of a stack that runs, in words without passwords. */
export function describeKept(kept: Variables, env: NodeJS.ProcessEnv): KeptInWords {
  const show = (name: string, value = 'its default'): string => (unprintable.includes(name) ? '…' : value);
  const isNew = (name: string): boolean => Boolean(env[name]) && env[name] !== kept[name];
  const notGiven = Object.entries(kept).filter(([name, value]) => !env[name] && defaults[name] !== value);
  return {
    kept: notGiven.map(([name, value]) => `${name}=${show(name, value)}`),
    changed: runtimeVariables
      .filter(isNew)
      .map((name) => ({ name, before: show(name, kept[name]), now: show(name, env[name]) })),
    ignored: fixedVariables.filter((name) => isNew(name) && defaults[name] !== env[name]),
  };
}

function fixedVariablesOf({ portBase, publicUrl, replicas, own }: StackState): Variables {
  return present([
    ['OXO_PORT_BASE', String(portBase)],
    ['OXO_REPLICAS', String(replicas)],
    ['OXO_PUBLIC_URL', publicUrl === `http://127.0.0.1:${portBase}` ? undefined : publicUrl],
    ['DATABASE_URL', own.databaseUrl],
    ['REDIS_URL', own.redisUrl],
    ['LIMITS_REDIS_URL', own.limitsRedisUrl],
    ['NATS_URL', own.natsUrl],
    ['MAIL_SMTP_URL', own.smtpUrl],
  ]);
}

function present(entries: readonly (readonly [string, string | undefined])[]): Variables {
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => Boolean(entry[1])));
}

/** A damaged file is told by whoever needs it. */
function readStateOrNone(stateDir: string): StackState | undefined {
  try {
    return readState(stateDir);
  } catch (error) {
    if (error instanceof DamagedStateError) return undefined;
    throw error;
  }
}
