import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { repositoryRoot } from '../settings.ts';

const folder = await mkdtemp(join(tmpdir(), 'oxo-ci-'));
after(() => rm(folder, { recursive: true }));
await mkdir(join(folder, '.ci'));
await copyFile(join(repositoryRoot, '.ci/run'), join(folder, '.ci/run'));

/** Runs it with an ./oxo whose commands do as told. @returns exit code and lines */
async function ci(commands: Readonly<Record<string, string>>): Promise<{ code: number; lines: string[] }> {
  const cases = Object.entries(commands).map(([words, script]) => `'${words}') ${script};;`);
  const program = ['#!/bin/sh', 'case "$*" in', ...cases, '*) echo "unexpected: $*";;', 'esac'].join('\n');
  await writeFile(join(folder, 'oxo'), program);
  await chmod(join(folder, 'oxo'), 0o755);
  return new Promise((resolve) => {
    execFile(join(folder, '.ci/run'), (error, stdout) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, lines: stdout.trimEnd().split('\n') });
    });
  });
}

const good = { test: 'echo "20 passed, 0 failed"', 'mesh up': 'true', 'mesh down': 'true', 'mesh status': 'true' };

test('tests and the lab are added up in the last line', async () => {
  const { code, lines } = await ci({ ...good, 'mesh test --retry': 'echo "3 passed, 0 failed"; exit 0' });
  assert.deepEqual([code, lines.at(-1)], [0, '23 passed, 0 failed']);
  assert.ok(lines.some((line) => /^mesh: up after \d+ s$/.test(line)));
});

test('whatever fails is counted, and the exit code tells it', async () => {
  const failing = [
    [{ test: 'echo "19 passed, 1 failed"; exit 1' }, '19 passed, 1 failed'],
    [{ test: 'exit 3' }, '0 passed, 1 failed'],
    [{ 'mesh up': 'exit 1' }, '20 passed, 1 failed'],
    [{ 'mesh test --retry': 'echo "2 passed, 1 failed"; exit 1' }, '22 passed, 1 failed'],
    [{ 'mesh test --retry': 'exit 1' }, '20 passed, 1 failed'],
    [{ 'mesh test --retry': 'echo "3 passed, 0 failed"', 'mesh down': 'exit 1' }, '23 passed, 1 failed'],
  ] as const;
  for (const [commands, last] of failing) {
    const { code, lines } = await ci({ ...good, ...commands });
    assert.deepEqual([code, lines.at(-1)], [1, last], JSON.stringify(commands));
  }
});

test('a machine that cannot run the lab is told, and fails nothing', async () => {
  const { code, lines } = await ci({ ...good, 'mesh up': 'echo "needs root"; exit 69' });
  assert.deepEqual([code, lines.at(-1)], [0, '20 passed, 0 failed']);
  assert.ok(lines.includes('mesh: left out, for the reason above'));
});
