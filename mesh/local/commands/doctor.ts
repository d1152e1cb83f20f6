import { type Command, parseFlags } from '../cli/command.ts';
import { diagnose } from '../doctor/diagnose.ts';
import type { Finding, Verdict } from '../doctor/examination.ts';

export const command: Command = {
  usage: `usage: ./oxo doctor [--json]

Looks at the machine and at the stack as somebody who was woken by an alarm would: Node, memory, disks, ports, permissions,
settings, each process, migrations, outboxes, relays, keys, streams, consumers, dead letters. Each line is ok, a warning (!)
or a failure (✗), with the next step. It changes nothing and ends within five seconds, also when nothing runs or
something is frozen. Exit code 1 when anything failed.

  --json  the same for programs; holds no secrets`,
  run,
};

const marks: Readonly<Record<Verdict, string>> = { ok: '✓', warn: '!', fail: '✗' };

async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseFlags(argv, { json: { type: 'boolean', default: false } });
  const findings = await diagnose(process.env);
  const failed = findings.some(({ verdict }) => verdict === 'fail');
  console.log(values.json ? JSON.stringify({ ok: !failed, findings }, null, 2) : render(findings));
  return failed ? 1 : 0;
}

function render(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines: string[] = [];
  for (const area of new Set(findings.map((finding) => finding.area))) {
    lines.push(...(lines.length === 0 ? [] : ['']), area);
    for (const { name, verdict, message, next } of findings.filter((finding) => finding.area === area)) {
      lines.push(`  ${marks[verdict]} ${name.padEnd(width)}  ${message}`);
      if (verdict !== 'ok' && next !== undefined) lines.push(`    ${''.padEnd(width)}  → ${next}`);
    }
  }
  const count = (wanted: Verdict): number => findings.filter(({ verdict }) => verdict === wanted).length;
  lines.push('', `${count('ok')} ok, ${count('warn')} to be looked at, ${count('fail')} failed`);
  return lines.join('\n');
}
