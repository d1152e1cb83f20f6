/** Restores that do not end well, on top of a stack that holds something. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '#kit/testing/until.ts';
import { oxo } from '../../local/testing/command.ts';
import { inDatabase } from '../testing/database.ts';
import type { World } from '../testing/world.ts';

type Env = { readonly OXO_STATE_DIR: string; readonly OXO_PORT_BASE: string };

/** A signal puts back what was there; kill -9 leaves a mark, and `--undo` does it. */
export async function requireInterruptible(folder: string, env: Env): Promise<void> {
  const stateDir = env.OXO_STATE_DIR;
  const old = identityOf(stateDir);
  const interrupted = oxo(['restore', folder, '--force'], { env });
  process.kill(await pidOfRestore(stateDir), 'SIGINT');
  const { code, err } = await interrupted;
  assert.equal(code, 130, err);
  assert.match(err, /interrupted; [\s\S]*what was there is as it was/);
  assert.equal(identityOf(stateDir), old);
  assert.equal(existsSync(join(stateDir, 'restore.json')), false);

  const killed = oxo(['restore', folder, '--force'], { env });
  process.kill(await pidOfRestore(stateDir), 'SIGKILL');
  await killed;
  const up = await oxo(['up', '--servers'], { env });
  assert.equal(up.code, 1, up.out);
  assert.match(up.err, /a restore was killed[\s\S]*restore --undo/);
  const undone = await oxo(['restore', '--undo'], { env });
  assert.equal(undone.code, 0, undone.err);
  assert.equal(identityOf(stateDir), old);
}

/** Of the folder itself: it was moved there and back, not written anew. */
function identityOf(stateDir: string): string {
  return `${statSync(join(stateDir, 'data/postgres')).ino} ${readFileSync(join(stateDir, 'secrets.json'), 'utf8')}`;
}

/** When what was there is aside and new servers start. */
async function pidOfRestore(stateDir: string): Promise<number> {
  return until(
    'the restore starts servers',
    () => {
      const { process: own } = JSON.parse(readFileSync(join(stateDir, 'restore.json'), 'utf8'));
      return readdirSync(join(stateDir, 'data')).length > 0 && Number(own.pid);
    },
    60_000,
  );
}

/** A table whose constraint, evaluated by an administrator, would make a role. @returns what takes it away */
export async function setTrap({ stack }: World): Promise<() => Promise<void>> {
  const url = stack.environmentOf('post').DATABASE_URL ?? '';
  const run = (statements: string) => inDatabase(url, (client) => client.query(statements));
  await run(`
    CREATE FUNCTION posts.spring() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
      IF current_setting('is_superuser') = 'on' THEN EXECUTE 'CREATE ROLE intruder'; END IF;
      RETURN true;
    END $$;
    CREATE TABLE posts.trap (id int CHECK (posts.spring()));
    INSERT INTO posts.trap VALUES (1)`);
  return async () => void (await run('DROP TABLE posts.trap; DROP FUNCTION posts.spring()'));
}

export async function requireNotSprung({ stack }: World): Promise<void> {
  await inDatabase(stack.environmentOf('post').DATABASE_URL ?? '', async (client) => {
    assert.equal((await client.query('SELECT FROM posts.trap')).rowCount, 1);
    assert.equal((await client.query(`SELECT FROM pg_roles WHERE rolname = 'intruder'`)).rowCount, 0);
  });
}

/** The audit log has what it had, and is still nobody's to change. */
export async function requireSameAuditLog(source: World, target: World): Promise<void> {
  const [before, after] = await Promise.all([source, target].map(readAuditLog));
  assert.ok(before !== undefined && before.length > 0);
  assert.deepEqual(after?.slice(0, before.length), before);
  await requireRestoreInLog(target, undefined);
  for (const sql of ['DELETE FROM audit.log', 'DROP TABLE audit.log', 'SELECT * FROM audit.retention']) {
    const url = target.stack.environmentOf('auth').DATABASE_URL ?? '';
    await assert.rejects(
      inDatabase(url, (client) => client.query(sql)),
      { code: '42501' },
      sql,
    );
  }
}

/** That a backup was put back stands in the log, with what was ended. @param ended how many sessions; undefined for none that were asked for */
export async function requireRestoreInLog({ stack }: Pick<World, 'stack'>, ended: number | undefined): Promise<void> {
  const sql = "SELECT actor_kind, details FROM audit.log WHERE action = 'RESTORE_BACKUP'";
  const { rows } = await inDatabase(stack.urls.database, (client) => client.query(sql));
  assert.deepEqual(
    rows.map(({ actor_kind }) => actor_kind),
    ['OPERATOR'],
  );
  const { written, sessions, grants, keys } = rows[0].details;
  assert.ok(Date.parse(written) <= Date.now());
  if (ended === undefined) assert.deepEqual([sessions, grants, keys], [undefined, undefined, undefined]);
  else assert.equal(Number(sessions) + Number(grants) + Number(keys), ended);
}

async function readAuditLog({ stack }: World): Promise<unknown[]> {
  return inDatabase(stack.urls.database, async (client) => {
    return (await client.query('SELECT * FROM audit.log ORDER BY at_ms, id')).rows;
  });
}
