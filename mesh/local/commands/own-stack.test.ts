import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { loadSecrets } from '../secrets.ts';
import { repositoryRoot } from '../settings.ts';
import { oxo, type Result } from '../testing/command.ts';
import { temporaryFolder } from '../testing/temporary.ts';

/** As mesh/kubernetes/base/operator.yaml has it. */
const pod = { AUTH_GRPC_ADDRESS: 'auth:50051', OPERATOR_SECRET: 'secret-of-the-operator' };
const commands = [
  ['credentials', 'rotate'],
  ['keys', 'rotate-kek'],
];

async function say(command: readonly string[], env: Record<string, string>): Promise<Result & { output: string }> {
  const result = await oxo([join(repositoryRoot, 'mesh/local/oxo.ts'), ...command], { program: process.execPath, env });
  return { ...result, output: result.out + result.err };
}

for (const command of commands) {
  it(`${command.join(' ')} refuses where there is no stack of its own, and makes nothing there`, async () => {
    const stateDir = temporaryFolder();
    const { code, output } = await say(command, { OXO_STATE_DIR: stateDir });
    assert.equal(code, 1);
    assert.match(output, /no stack/);
    assert.doesNotMatch(output, /are new/);
    assert.deepEqual(readdirSync(stateDir), []);
  });

  it(`${command.join(' ')} refuses in a cluster, also with secrets that another command has made, and names the runbook`, async () => {
    const stateDir = temporaryFolder();
    loadSecrets(stateDir, ['auth']);
    const before = readFileSync(join(stateDir, 'secrets.json'), 'utf8');
    const { code, output } = await say(command, { OXO_STATE_DIR: stateDir, ...pod });
    assert.equal(code, 1);
    const [runbook = ''] = output.match(/mesh\/\S+\.md/) ?? [];
    assert.ok(existsSync(join(repositoryRoot, runbook)) && runbook !== '', output);
    assert.equal(readFileSync(join(stateDir, 'secrets.json'), 'utf8'), before);
  });
}
