import type pg from 'pg';
import type { Stack } from '../../local/stack/stack.ts';
import { inDatabase } from './database.ts';

const SCHEMAS = ['auth', 'users', 'posts', 'feeds'];

/** Every table of every service with the rows that hold one of these texts, as "schema.table: row". */
export function rowsWith({ urls }: Stack, texts: readonly string[]): Promise<string[]> {
  return inDatabase(urls.database, async (client) => {
    const found: string[] = [];
    for (const name of await tableNames(client)) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
      // Bytes stand there as hexadecimal digits.
      const needles = texts.flatMap((text) => [text, Buffer.from(text).toString('hex')]);
      found.push(...rows.flatMap(({ row }) => (needles.some((each) => row.includes(each)) ? `${name}: ${row}` : [])));
    }
    return found;
  });
}

/** A fingerprint of the rows of every table of every service, by table. Two that are equal mean that nothing changed. */
export function readTables({ urls }: Stack): Promise<Readonly<Record<string, string>>> {
  return inDatabase(urls.database, async (client) => {
    const prints: [string, string][] = [];
    for (const name of await tableNames(client)) {
      const { rows } = await client.query<{ print: string }>(
        `select count(*) || ' ' || md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as print from ${name} t`,
      );
      prints.push([name, rows[0]?.print ?? '']);
    }
    return Object.fromEntries(prints);
  });
}

async function tableNames(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_schema = any($1) and table_type = 'BASE TABLE' order by 1`,
    [SCHEMAS],
  );
  return rows.map(({ name }) => name);
}
