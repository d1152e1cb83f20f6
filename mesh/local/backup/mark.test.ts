import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockStack } from '../machine/lock.ts';
import { oxo } from '../testing/command.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { endRestore, type Mark, moveAside, requireNoRestore, restoreProblem, undoRestore } from './mark.ts';

function filledFolder(): string {
  const stateDir = temporaryFolder();
  mkdirSync(join(stateDir, 'data'));
  writeFileSync(join(stateDir, 'data/table'), 'old');
  writeFileSync(join(stateDir, 'secrets.json'), 'old');
  return stateDir;
}

function requireOld(stateDir: string, mark: Mark): void {
  for (const name of ['data/table', 'secrets.json']) assert.equal(readFileSync(join(stateDir, name), 'utf8'), 'old');
  assert.equal(existsSync(mark.aside), false);
  assert.equal(restoreProblem(stateDir), undefined);
}

/** As if its process had been killed. */
function killed(stateDir: string, mark: Mark): void {
  const text = JSON.stringify({ ...mark, process: { ...mark.process, startedAt: '1' } });
  writeFileSync(join(stateDir, 'restore.json'), text);
}

test('what was moved aside is put back, wherever the restore was killed', async () => {
  const states: Record<string, (stateDir: string, mark: Mark) => void> = {
    'all moved': () => {},
    'new data began': (stateDir) => {
      mkdirSync(join(stateDir, 'data'));
      writeFileSync(join(stateDir, 'data/table'), 'new');
      writeFileSync(join(stateDir, 'secrets.json'), 'new');
    },
    'one not moved yet, or back': (stateDir, { aside }) =>
      renameSync(join(aside, 'secrets.json'), join(stateDir, 'secrets.json')),
    'nothing moved yet, or all back': (stateDir, { aside }) => {
      for (const name of ['data', 'secrets.json']) renameSync(join(aside, name), join(stateDir, name));
    },
  };
  for (const [name, happen] of Object.entries(states)) {
    const stateDir = filledFolder();
    const mark = await moveAside(stateDir);
    assert.equal(existsSync(join(stateDir, 'data')), false, name);
    happen(stateDir, mark);
    killed(stateDir, mark);
    await undoRestore(stateDir);
    requireOld(stateDir, mark);
  }
});

test('what a killed restore brought into an empty folder is taken away', async () => {
  const stateDir = temporaryFolder();
  killed(stateDir, await moveAside(stateDir));
  writeFileSync(join(stateDir, 'secrets.json'), 'new');
  await undoRestore(stateDir);
  assert.equal(existsSync(join(stateDir, 'secrets.json')), false);
  await assert.rejects(undoRestore(stateDir), /no restore was left unfinished/);
});

test('nothing is undone while somebody has the lock', async () => {
  const stateDir = filledFolder();
  const mark = await moveAside(stateDir);
  killed(stateDir, mark);
  const lock = await lockStack(stateDir);
  await assert.rejects(undoRestore(stateDir), /runs there/);
  assert.ok(existsSync(join(mark.aside, 'data')));
  await lock?.release();
});

test('up, status, doctor, backup and restore tell of a restore that goes on, or was killed', async () => {
  const stateDir = filledFolder();
  const mark = await moveAside(stateDir);
  const env = { OXO_STATE_DIR: stateDir };
  const commands = [['up'], ['status'], ['doctor'], ['backup'], ['restore', '/nowhere', '--force']];
  const all = () => Promise.all(commands.map((args) => oxo(args, { env })));
  for (const { code, out, err } of await all()) {
    assert.equal(code, 1, out + err);
    assert.match(out + err, /a restore is under way/);
  }
  killed(stateDir, mark);
  for (const { code, out, err } of await all()) {
    assert.equal(code, 1, out + err);
    assert.match(out + err, /was killed before it ended[\s\S]*before-restore-[\s\S]*restore --undo/);
  }
  const undone = await oxo(['restore', '--undo'], { env });
  assert.equal(undone.code, 0, undone.err);
  assert.match(undone.out, /data and secrets\.json are back/);
  requireOld(stateDir, mark);
});

test('after the end of a restore nobody speaks of it; a mark that is damaged is told', async () => {
  const stateDir = filledFolder();
  await moveAside(stateDir);
  endRestore(stateDir);
  requireNoRestore(stateDir);
  writeFileSync(join(stateDir, 'restore.json'), '{');
  assert.throws(() => requireNoRestore(stateDir), /was killed/);
  await assert.rejects(undoRestore(stateDir), /is damaged/);
});
