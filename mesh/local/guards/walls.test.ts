import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { repositoryRoot } from '../settings.ts';
import { temporaryFolder } from '../testing/temporary.ts';

const WALLS = 'lint/style/noRestrictedImports';

/** Lints files as if they stood in this repository, by all of its rules, and tells which of them break one of these. */
async function lint(files: Readonly<Record<string, string>>, rule: string): Promise<string[]> {
  const folder = temporaryFolder();
  for (const name of ['biome.json', 'package.json']) copyFileSync(join(repositoryRoot, name), join(folder, name));
  symlinkSync(join(repositoryRoot, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const args = ['lint', '--reporter=json', '--max-diagnostics=none', '.'];
  const output = await new Promise<string>((resolve) => {
    const biome = join(repositoryRoot, 'node_modules/.bin/biome');
    // Its exit code is not 0 when it finds something, which is what is wanted here.
    execFile(biome, args, { cwd: folder, maxBuffer: 16 * 1024 * 1024 }, (_error, stdout) => resolve(stdout));
  });
  const report = JSON.parse(output) as { diagnostics: { category: string; location: { path: string } }[] };
  const found = report.diagnostics.filter(({ category }) => category === rule);
  return [...new Set(found.map(({ location }) => location.path))].sort();
}

const importing = (specifier: string): string => `import { a } from '${specifier}';\nexport const b = a;\n`;

describe('the walls between folders', () => {
  it('stop what must not know of each other', async () => {
    const violations = {
      'services/post/a.ts': importing('../user/config.ts'),
      'services/post/b.ts': importing('../../mesh/local/stack.ts'),
      'services/post/c.ts': importing('#other/a.ts'),
      'services/post/d.ts': "export { a } from '../user/config.ts';\n",
      'services/post/e.ts': "export const a = await import('../user/config.ts');\n",
      'services/post/f.ts': "import type { a } from '../user/config.ts';\nexport type b = a;\n",
      'services/post/g.ts': importing('./../user/config.ts'),
      'services/post/h.ts': importing('./handlers/../../user/config.ts'),
      'services/post/i.ts': importing('#kit/../../services/user/config.ts'),
      'services/post/a.test.ts': importing('../user/config.ts'),
      'services/post/handlers/a.ts': importing('../../user/config.ts'),
      'services/post/handlers/b.ts': importing('../../../gateway/envoy/render.ts'),
      'services/post/handlers/deep/a.ts': importing('../../../user/config.ts'),
      'mesh/kit/a.ts': importing('../../services/post/config.ts'),
      'mesh/kit/b.ts': importing('../local/stack.ts'),
      'mesh/kit/rpc/a.ts': importing('../../local/stack.ts'),
      'gateway/envoy/a.ts': importing('../../mesh/kit/errors.ts'),
      'gateway/envoy/b.ts': importing('#kit/errors.ts'),
      'gateway/envoy/c.ts': importing('#gen/oxo/post/v1/post.ts'),
      'gateway/envoy/testing/a.ts': importing('#kit/errors.ts'),
      'gateway/web/a.ts': importing('../../services/post/config.ts'),
      'gateway/web/b.ts': importing('../envoy/render.ts'),
    };
    assert.deepEqual(await lint(violations, WALLS), Object.keys(violations).sort());
  });

  it('let through what may', async () => {
    const allowed = {
      'services/post/a.ts': importing('./handlers/b.ts'),
      'services/post/b.ts': importing('node:fs'),
      'services/post/c.ts': importing('@grpc/grpc-js'),
      'services/post/handlers/a.ts': importing('../config.ts'),
      'services/post/handlers/b.ts': importing('#gen/oxo/post/v1/post.ts'),
      'services/post/handlers/c.ts': importing('#kit/errors.ts'),
      'services/post/handlers/deep/a.ts': importing('../../config.ts'),
      'mesh/kit/rpc/a.ts': importing('#kit/errors.ts'),
      'mesh/kit/rpc/b.ts': importing('../clock.ts'),
      'mesh/local/a.ts': importing('../../gateway/envoy/render.ts'),
      'gateway/envoy/a.test.ts': importing('#gen/oxo/post/v1/post.ts'),
      'gateway/envoy/testing/a.ts': importing('../render.ts'),
    };
    assert.deepEqual(await lint(allowed, WALLS), []);
  });
});

describe('the limits of size', () => {
  const lines = (count: number): string => 'export {};\n'.repeat(count);
  const ofLines = (count: number): string =>
    `export function a(b: number): number {\n${'  b += 1;\n'.repeat(count)}  return b;\n}\n`;

  it('stop a file of more than 300 lines, unless it is a test', async () => {
    const files = {
      'services/post/a.ts': lines(310),
      'mesh/kit/a.ts': lines(310),
      'gateway/envoy/a.ts': lines(310),
      'mesh/kit/b.ts': lines(290),
      'mesh/kit/a.test.ts': lines(310),
    };
    const found = await lint(files, 'lint/style/noExcessiveLinesPerFile');
    assert.deepEqual(found, ['gateway/envoy/a.ts', 'mesh/kit/a.ts', 'services/post/a.ts']);
  });

  it('stop a function of more than 70 lines', async () => {
    const files = { 'services/post/a.ts': ofLines(80), 'services/post/b.ts': ofLines(60) };
    assert.deepEqual(await lint(files, 'lint/complexity/noExcessiveLinesPerFunction'), ['services/post/a.ts']);
  });
});
