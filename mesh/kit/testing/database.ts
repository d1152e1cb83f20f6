import pg from 'pg';
import { type Database, type DatabaseOptions, openDatabase } from '#kit/db/database.ts';
import { type NamedMigration, runMigrations } from '#kit/db/migrations.ts';
import { newId } from '#kit/ids.ts';

export interface TestDatabase {
  db: Database;
  url: string;
  /** Drops the database. */
  close(): Promise<void>;
}

/** A database of its own on the test server (TEST_DATABASE_URL), with the service's schema in it. */
export async function createTestDatabase(
  options: Pick<DatabaseOptions, 'entities'> & { migrations: NamedMigration[] },
): Promise<TestDatabase> {
  const serverUrl = process.env.TEST_DATABASE_URL;
  if (serverUrl === undefined) throw new Error('TEST_DATABASE_URL is not set: run the tests by ./oxo test');
  const name = `test_${newId(Date.now()).replaceAll('-', '_')}`;
  await administer(serverUrl, `create database ${name}`);
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
  await runMigrations({ ...options, url }, 'up');
  const db = await openDatabase({ ...options, url, poolSize: 5 });
  return {
    db,
    url,
    async close() {
      await db.close();
      await administer(serverUrl, `drop database ${name} with (force)`);
    },
  };
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
