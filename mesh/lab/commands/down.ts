import { parseFlags } from '../../local/cli/command.ts';
import { openLab } from '../folder.ts';
import { requirePrivileges } from '../net/network.ts';
import { removeLab } from '../remove.ts';

/** `./oxo mesh down` */
export async function down(argv: readonly string[]): Promise<number> {
  parseFlags(argv, {});
  await requirePrivileges();
  const startedAtMs = performance.now();
  const found = await removeLab(openLab(process.env));
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  console.log(found.length === 0 ? 'no lab is running' : `removed in ${seconds} s: ${found.join('; ')}`);
  return 0;
}
