import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CliError } from '../cli/cli-error.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { ensurePart } from './fetch.ts';
import type { Part } from './parts.ts';

const makeWheel = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    program = zipfile.ZipInfo("probe/bin/program")
    program.external_attr = 0o755 << 16
    wheel.writestr(program, "#!/bin/sh\\necho hello\\n")
    wheel.writestr("oxo_probe-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: oxo-probe\\nVersion: 1.0\\n")
    wheel.writestr("oxo_probe-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("oxo_probe-1.0.dist-info/RECORD", "")
`;

/** A folder with one wheel to fetch from, and the part that pins it. */
function prepare(): { cache: string; part: Part; pip: string[] } {
  const folder = temporaryFolder();
  const wheels = join(folder, 'wheels');
  mkdirSync(wheels);
  const wheel = join(wheels, 'oxo_probe-1.0-py3-none-any.whl');
  execFileSync('python3', ['-c', makeWheel, wheel]);
  const sha256 = createHash('sha256').update(readFileSync(wheel)).digest('hex');
  const bytes = statSync(wheel).size;
  const part: Part = {
    name: 'redis',
    package: 'oxo-probe',
    version: '1.0',
    wheels: { [`${process.platform}-${process.arch}`]: { sha256, bytes } },
    program: 'probe/bin/program',
  };
  return { cache: join(folder, 'cache with a space'), part, pip: ['--no-index', '--find-links', wheels] };
}

function withHash(part: Part, sha256: string): Part {
  return { ...part, wheels: { [`${process.platform}-${process.arch}`]: { sha256, bytes: 1 } } };
}

test('a part is fetched once, and its program runs', async () => {
  const { cache, part, pip } = prepare();
  const program = await ensurePart(cache, part, undefined, pip);
  assert.equal(execFileSync(program, { encoding: 'utf8' }), 'hello\n');
  // The second time there is nowhere to fetch from.
  assert.equal(await ensurePart(cache, part, undefined, ['--no-index']), program);
});

test('a wheel with another hash is refused and leaves nothing behind', async () => {
  const { cache, part, pip } = prepare();
  const wrong = withHash(part, 'a'.repeat(64));
  await assert.rejects(ensurePart(cache, wrong, undefined, pip), (error) => {
    assert(error instanceof CliError);
    assert.match(error.advice.join('\n'), /hash/i);
    return true;
  });
  assert.deepEqual(readdirSync(join(cache, 'parts')), []);
});

test('what is damaged in the cache is fetched again, what was only copied is not', async () => {
  const { cache, part, pip } = prepare();
  const program = await ensurePart(cache, part, undefined, pip);
  const whole = readFileSync(program);
  const other = Buffer.from(whole.toString('latin1').replace('hello', 'jello'), 'latin1');
  for (const damage of [other, Buffer.alloc(0)]) {
    writeFileSync(program, damage);
    assert.equal(await ensurePart(cache, part, undefined, pip), program);
    assert.deepEqual(readFileSync(program), whole);
  }
  rmSync(program);
  await ensurePart(cache, part, undefined, pip);
  assert.equal(execFileSync(program, { encoding: 'utf8' }), 'hello\n');

  writeFileSync(program, whole);
  // There is nowhere to fetch from.
  assert.equal(await ensurePart(cache, part, undefined, ['--no-index']), program);
});

test('two at once fetch it once', async () => {
  const { cache, part, pip } = prepare();
  const events: string[] = [];
  const both = await Promise.all(
    [1, 2].map(() => ensurePart(cache, part, ({ state }) => void events.push(state), pip)),
  );
  assert.equal(both[0], both[1]);
  assert(events.includes('waiting'));
  assert.equal(readdirSync(join(cache, 'parts')).length, 1);
});

test('what a kill in the middle left is removed', async () => {
  const { cache, part, pip } = prepare();
  const sha256 = Object.values(part.wheels)[0]?.sha256.slice(0, 12);
  const leftover = join(cache, 'parts', `.oxo-probe-1.0-${sha256}-Ab3dEf`);
  mkdirSync(join(leftover, 'unpacked'), { recursive: true });
  await ensurePart(cache, part, undefined, pip);
  assert(!existsSync(leftover));
});

test('a platform without a pinned wheel is named', async () => {
  const { cache, part } = prepare();
  await assert.rejects(
    ensurePart(cache, { ...part, wheels: { 'plan9-x64': { sha256: '', bytes: 0 } } }),
    /not pinned for/,
  );
});
