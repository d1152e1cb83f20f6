import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { CliError } from '../cli/cli-error.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { type AptPart, ensureAptPart } from './apt.ts';

const part: AptPart = { name: 'oxo-probe', program: 'usr/lib/probe/probe', version: /^Probe \d+\./ };
const hasApt = (() => {
  try {
    return execFileSync('apt-get', ['--version']).length > 0;
  } catch {
    return false;
  }
})();

/** A package file, and its entry in the list of a repository. */
function makePackage(folder: string, name: string, depends: string, files: Readonly<Record<string, string>>): string {
  const tree = join(folder, `${name}-tree`);
  const control = `Package: ${name}\nVersion: 1.0\nArchitecture: all\nMaintainer: oxo\nDepends: ${depends}\nDescription: probe\n`;
  for (const [path, text] of Object.entries({ ...files, 'DEBIAN/control': control })) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
    if (text.startsWith('#!')) chmodSync(join(tree, path), 0o755);
  }
  const file = join(folder, `${name}.deb`);
  execFileSync('dpkg-deb', ['--build', '--root-owner-group', tree, file]);
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  return `${control}Filename: ./${name}.deb\nSize: ${statSync(file).size}\nSHA256: ${sha256}\n`;
}

/** A repository with a program that says what is in the package that it needs. */
function prepare(): { cache: string; repository: string; options: string[] } {
  const folder = temporaryFolder();
  const repository = join(folder, 'repository');
  mkdirSync(repository);
  const program = '#!/bin/sh\necho "Probe $(cat "$(dirname "$0")/../../share/probe/version")"\n';
  const lists = [
    makePackage(repository, 'oxo-probe', 'oxo-probe-data', { 'usr/lib/probe/probe': program }),
    makePackage(repository, 'oxo-probe-data', 'base-files', { 'usr/share/probe/version': '7.1' }),
  ];
  writeFileSync(join(repository, 'Packages'), lists.join('\n'));
  const sources = join(folder, 'sources.list');
  writeFileSync(sources, `deb [trusted=yes] copy:${repository} ./\n`);
  const options = ['-o', `Dir::Etc::sourcelist=${sources}`, '-o', 'Dir::Etc::sourceparts=/dev/null'];
  return { cache: join(folder, 'cache'), repository, options };
}

test('a package of the distribution is unpacked once, with what it needs, and runs', { skip: !hasApt }, async () => {
  const { cache, repository, options } = prepare();
  const both = await Promise.all([1, 2].map(() => ensureAptPart(cache, part, options)));
  assert.deepEqual(both[0], both[1]);
  const { program = '', env } = both[0] ?? {};
  assert.equal(
    execFileSync(program, ['--version'], { env: { ...process.env, ...env }, encoding: 'utf8' }),
    'Probe 7.1\n',
  );
  // The second time there is nowhere to fetch from.
  rmSync(repository, { recursive: true });
  assert.deepEqual(await ensureAptPart(cache, part, options), both[0]);
});

test('one that cannot be had says why and what to do', { skip: !hasApt }, async () => {
  const { cache, options } = prepare();
  await assert.rejects(ensureAptPart(cache, { ...part, name: 'oxo-nothing' }, options), (error) => {
    assert(error instanceof CliError);
    assert.match(error.message, /oxo-nothing could not be fetched/);
    assert.match(error.advice.join('\n'), /Unable to locate package oxo-nothing[\s\S]*apt-get install oxo-nothing/);
    return true;
  });
});

test('a program on the PATH is taken as it is, if it is the real one', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'oxo-probe');
  const before = process.env.PATH;
  process.env.PATH = `${folder}:${before}`;
  try {
    writeFileSync(path, '#!/bin/sh\necho Probe 9.0\n', { mode: 0o755 });
    assert.deepEqual(await ensureAptPart(join(folder, 'cache'), part), { program: path, env: {} });
  } finally {
    process.env.PATH = before;
  }
});
