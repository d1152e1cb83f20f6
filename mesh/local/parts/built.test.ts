import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CliError } from '../cli/cli-error.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { type BuiltPart, ensureBuilt, findBuilt, isAtLeast } from './built.ts';

/** A module that prints a word, and the part that pins it. */
function prepare(): { cache: string; part: BuiltPart; source: string } {
  const folder = temporaryFolder();
  const [source, pinned] = [join(folder, 'source'), join(folder, 'pinned')];
  for (const path of [source, pinned]) mkdirSync(path);
  writeFileSync(join(source, 'go.mod'), 'module oxo.invalid/probe\n\ngo 1.21\n');
  writeFileSync(join(source, 'main.go'), 'package main\n\nfunc main() { print("hello") }\n');
  const require = `require oxo.invalid/probe v0.0.0\n\nreplace oxo.invalid/probe => ${source}\n`;
  writeFileSync(join(pinned, 'go.mod'), `module oxo.invalid/pinned\n\ngo 1.21\n\n${require}`);
  writeFileSync(join(pinned, 'go.sum'), '');
  const part = { name: 'probe', version: '1', folder: pinned, main: 'oxo.invalid/probe' };
  return { cache: join(folder, 'cache'), part, source };
}

test('a part is built once, by one of two that want it', async () => {
  const { cache, part, source } = prepare();
  const states: string[] = [];
  const both = await Promise.all([1, 2].map(() => ensureBuilt(cache, part, (state) => void states.push(state))));
  assert.equal(both[0], both[1]);
  assert.equal(states.filter((state) => state === 'building').length, 1);
  const { stderr } = spawnSync(both[0] ?? '', { encoding: 'utf8' });
  assert.equal(stderr, 'hello');
  // The second time there is nothing to build from.
  rmSync(source, { recursive: true });
  assert.deepEqual(await findBuilt(cache, part), { program: both[0] });
  assert.equal(await ensureBuilt(cache, part), both[0]);
});

test('one that cannot be built says why, then and later, and leaves nothing else', async () => {
  const { cache, part, source } = prepare();
  const never = await findBuilt(cache, part);
  assert.deepEqual(never, { program: undefined, reason: 'it is not built yet' });
  writeFileSync(join(source, 'main.go'), 'package main\n\nfunc main() { unknown() }\n');
  await assert.rejects(ensureBuilt(cache, part), (error) => {
    assert(error instanceof CliError);
    assert.match(error.message, /probe can't be built: .*undefined: unknown/s);
    return true;
  });
  const found = await findBuilt(cache, part);
  assert.match('reason' in found ? found.reason : '', /undefined: unknown/);
  assert.deepEqual(
    readdirSync(join(cache, 'parts')).map((name) => name.replace(/^probe-1-\w+/, '')),
    ['.failed'],
  );
  // What stood in the way is gone.
  writeFileSync(join(source, 'main.go'), 'package main\n\nfunc main() {}\n');
  execFileSync(await ensureBuilt(cache, part));
  assert.equal(readdirSync(join(cache, 'parts')).length, 1);
});

test('a Go is new enough by its numbers', () => {
  for (const [version, wanted, enough] of [
    ['1.25.6', '1.25.6', true],
    ['1.26.0', '1.25.6', true],
    ['1.27rc1', '1.25.6', true],
    ['2', '1.25.6', true],
    ['1.25.5', '1.25.6', false],
    ['1.25', '1.25.6', false],
    ['1.9.9', '1.25.6', false],
  ] as const)
    assert.equal(isAtLeast(version, wanted), enough, version);
});
