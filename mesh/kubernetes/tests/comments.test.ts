/** Files that comments and READMEs of the manifests name are there. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { repositoryRoot } from '../../local/settings.ts';

const PATH = /(?<![$\w./<-])(?:[\w.-]+\/)+[\w.-]+\.(?:ts|md|yaml|env)\b/g;

/** Paths that a file names where people read, and that lead nowhere: from the repository, its own folder, or the manifests'. */
function missingIn(path: string, text: string): string[] {
  const read = path.endsWith('.md') ? text : (text.match(/#.*$/gm) ?? []).join('\n');
  const from = ['', dirname(path), 'mesh/kubernetes', 'mesh/kubernetes/base'];
  return (read.match(PATH) ?? []).filter((name) => !from.some((one) => existsSync(join(repositoryRoot, one, name))));
}

describe('the manifests', () => {
  it('name files that there are', () => {
    const files = globSync('mesh/{kubernetes,istio}/**/*.{yaml,md}', { cwd: repositoryRoot });
    assert.ok(files.length > 40);
    for (const path of files) {
      assert.deepEqual(missingIn(path, readFileSync(join(repositoryRoot, path), 'utf8')), [], path);
    }
  });

  it('are looked through: what is not there is seen', () => {
    const text = '# as runbooks/scale.md and (runbooks/no.md) say\nfile: not/a-comment.ts\n';
    assert.deepEqual(missingIn('mesh/kubernetes/base/auth.yaml', text), ['runbooks/no.md']);
  });
});
