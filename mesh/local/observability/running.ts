import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { StackPlan } from '../stack/plan.ts';

/** What differs between the programs that look at a stack. */
export type Running = {
  readonly args: readonly string[];
  readonly port: number;
  /** Answers 200 as soon as it works, and costs nothing. */
  readonly path: string;
  /** With user and password, where there is one; else by its port. */
  readonly url?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** The collector works harder before it has so much; */
  readonly memoryMegabytes: number;
  /** and with so much it ends, and is started again. */
  readonly maxMegabytes: number;
};

/** Where what they read is written. */
export function runDir({ stateDir }: StackPlan): string {
  const folder = join(stateDir, 'run/observability');
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return folder;
}
