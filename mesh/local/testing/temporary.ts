import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A folder that is gone when this process ends, and not sooner: what a test stops in its `after` still writes there.
 * Others may enter it: servers may run as another user.
 */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'oxo-'));
  chmodSync(folder, 0o755);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
