import type { Queryable, Statement } from '#kit/db/database.ts';

/** A node of a plan that reads a table, as Postgres names what it did. */
export interface Scan {
  'Node Type': string;
  'Relation Name': string;
  'Index Name'?: string;
  /** Of each loop. */
  'Actual Rows': number;
  'Actual Loops': number;
  /** Absent when no condition is left that the index has not answered. */
  'Rows Removed by Filter'?: number;
}

/**
 * Runs a statement, the one that the code runs, and tells how it read its tables. Analyze the tables before: else the plan is one for empty tables.
 * @param values as the code gives them: with a volatile function in their place, no index could be used
 */
export async function explain(
  db: Queryable,
  { name, text }: Statement,
  values: readonly unknown[] = [],
): Promise<Scan[]> {
  const statement = { name: `explain-${name}`, text: `explain (analyze, format json) ${text}` };
  const rows = await db.query<{ 'QUERY PLAN': unknown }>(statement, values);
  return rows.flatMap((row) => scansOf(row['QUERY PLAN']));
}

function scansOf(plan: unknown): Scan[] {
  if (typeof plan !== 'object' || plan === null) return [];
  const inner = Object.values(plan).flatMap(scansOf);
  return 'Relation Name' in plan ? [plan as Scan, ...inner] : inner;
}
