import pg from 'pg';
import type { Stack } from '../../local/stack.ts';

const SCHEMAS = ['auth', 'users', 'posts', 'feeds'];

/** A fingerprint of the rows of every table of every service, by table. Two that are equal mean that nothing changed. */
export async function readTables({ urls }: Stack): Promise<Readonly<Record<string, string>>> {
  const client = new pg.Client(urls.database);
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
        where table_schema = any($1) and table_type = 'BASE TABLE' order by 1`,
      [SCHEMAS],
    );
    const prints: [string, string][] = [];
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ print: string }>(
        `select count(*) || ' ' || md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as print from ${name} t`,
      );
      prints.push([name, rows[0]?.print ?? '']);
    }
    return Object.fromEntries(prints);
  } finally {
    await client.end();
  }
}
