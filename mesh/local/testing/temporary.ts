import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A folder that is gone after the test. Others may enter it: servers may run as another user. */
export function temporaryFolder(t: TestContext | { after: (fn: () => void) => void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'oxo-'));
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
