import pg from 'pg';
import { type Database, type DatabaseOptions, openDatabase } from '#kit/db/database.ts';
import { type NamedMigration, runMigrations } from '#kit/db/migrations.ts';
import { newId } from '#kit/ids.ts';

/** The schema of a service. */
export interface TestSchema extends Pick<DatabaseOptions, 'entities'> {
  migrations: NamedMigration[];
  /** SQL of what an operator's set-up makes beside the schema. */
  setUp?: string;
}

export interface TestDatabase {
  db: Database;
  url: string;
  /** Drops the database. */
  close(): Promise<void>;
}

/**
 * A database of its own on the test server (TEST_DATABASE_URL), with the service's schema in it.
 * @param poolSize connections at once; many, when requests must really meet in Postgres
 */
export async function createTestDatabase(schema: TestSchema, poolSize = 5): Promise<TestDatabase> {
  const serverUrl = process.env.TEST_DATABASE_URL;
  if (serverUrl === undefined) throw new Error('TEST_DATABASE_URL is not set: run the tests by ./oxo test');
  const name = `test_${newId(Date.now()).replaceAll('-', '_')}`;
  await administer(serverUrl, `create database ${name}`);
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
  if (schema.setUp !== undefined) await administer(url, schema.setUp);
  await runMigrations({ ...schema, url }, 'up');
  const db = await openDatabase({ entities: schema.entities, url, poolSize });
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
