/** The oxo command in tests. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { findFreePortBase } from '../ports.ts';
import { repositoryRoot } from '../settings.ts';
import type { ProcessIdentity } from '../supervisor/proc.ts';
import { readState, type StackState } from '../supervisor/state.ts';
import { temporaryFolder } from './temporary.ts';

export type Result = { readonly code: number | null; readonly out: string; readonly err: string };
type Settings = { readonly program?: string; readonly cwd?: string; readonly env?: Record<string, string> };

/** Runs the command as a person types it, and waits for its end. */
export async function oxo(args: readonly string[], settings: Settings = {}): Promise<Result> {
  const { program = join(repositoryRoot, 'oxo'), cwd = '/', env = {} } = settings;
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [[code], out, err] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
  return { code, out, err };
}

type OwnStack = {
  readonly stateDir: string;
  readonly env: Record<string, string>;
  readonly state: () => StackState;
};

/** Settings of a stack of its own, which is down after the test whatever happens. */
export async function ownStack(t: TestContext): Promise<OwnStack> {
  const folder = temporaryFolder();
  const stateDir = join(folder, 'state');
  const env = { OXO_STATE_DIR: stateDir, OXO_PORT_BASE: String(await findFreePortBase()) };
  t.after(() => oxo(['down'], { env }));
  const state = (): StackState => {
    const found = readState(stateDir);
    assert(found !== undefined, 'there is a state file');
    return found;
  };
  return { stateDir, env, state };
}

/** The processes of a stack that ran when this was written. */
export function identitiesOf(state: StackState): ProcessIdentity[] {
  return state.processes.flatMap(({ identity }) => (identity === undefined ? [] : [identity]));
}
