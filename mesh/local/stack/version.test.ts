import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../testing/temporary.ts';
import { codeVersion, releaseOf } from './version.ts';

test('a version is another when code, contracts or packages are, and no other than that', () => {
  const root = temporaryFolder();
  for (const folder of ['services/post', 'gen/envoy', 'mesh/bench', 'mesh/local/parts', 'mesh/local/supervisor'])
    mkdirSync(join(root, folder), { recursive: true });
  const seen = new Set<string>();
  const changed = (path: string, content: string): boolean => {
    writeFileSync(join(root, path), content);
    const before = seen.size;
    return seen.add(codeVersion(root)).size > before;
  };
  assert.ok(changed('services/post/main.ts', 'one'));
  assert.ok(changed('services/post/main.ts', 'two'));
  assert.ok(!changed('services/post/main.ts', 'one'));
  assert.ok(changed('gen/envoy/oxo.binpb', 'descriptor'));
  assert.ok(changed('package-lock.json', '{}'));
  for (const path of ['parts/parts.ts', 'supervisor/process.ts', 'ports.ts', 'secrets.ts', 'settings.ts'])
    assert.ok(changed(`mesh/local/${path}`, path), path);
  for (const path of ['services/post/main.test.ts', 'services/post/README.md', 'mesh/bench/bench.ts'])
    assert.ok(!changed(path, 'something else'), path);
  const [last] = [...seen].slice(-1);
  assert.match(last ?? '', /^[0-9a-f]{12}$/);
  rmSync(join(root, 'gen/envoy/oxo.binpb'));
  assert.ok(!seen.has(codeVersion(root)), 'a file that is gone');
});

test('a release is that of the package, with the commit where there is a history, and whether files differ from it', () => {
  const root = temporaryFolder();
  const git = (...args: string[]): string => {
    const author = ['-c', 'user.name=A', '-c', 'user.email=a@example.com'];
    return execFileSync('git', [...author, ...args], { cwd: root, encoding: 'utf8' }).trim();
  };
  writeFileSync(join(root, 'package.json'), '{ "version": "1.2.3" }');
  assert.equal(releaseOf(root), '1.2.3');
  git('init', '--quiet');
  assert.equal(releaseOf(root), '1.2.3', 'no commit yet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'First');
  git('tag', '--annotate', '--message', 'a tag', 'v9');
  const commit = git('rev-parse', '--short=8', 'HEAD');
  assert.equal(releaseOf(root), `1.2.3+${commit}`);
  writeFileSync(join(root, 'package.json'), '{ "version": "1.2.4" }');
  assert.equal(releaseOf(root), `1.2.4+${commit}-dirty`);
  mkdirSync(join(root, 'copy'));
  writeFileSync(join(root, 'copy/package.json'), '{ "version": "2.0.0" }');
  assert.equal(releaseOf(join(root, 'copy')), '2.0.0', "within somebody else's repository");
});
