import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';

/** A shell as a person has one open: what one text sets, the next knows. */
export type Shell = {
  /** Types the commands as they stand. @returns what they have printed */
  readonly type: (commands: string) => Promise<string>;
  readonly close: () => void;
};

export function openShell(env: Readonly<Record<string, string>>): Shell {
  const child = spawn('sh', { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    type: async (commands) => {
      const mark = randomBytes(8).toString('hex');
      // An answer need not end with a line.
      child.stdin.write(`${commands}\nprintf '\\n%s\\n' ${mark}\n`);
      const printed: string[] = [];
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`the shell ended after: ${printed.join('\n')}`);
        if (value === mark) return printed.join('\n');
        printed.push(value);
      }
    },
    close: () => void child.stdin.end(),
  };
}
