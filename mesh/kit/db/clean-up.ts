import type { Queryable, Statement } from '#kit/db/database.ts';

/** Rows that one statement deletes: few enough for the time limit of statements, and to lock nobody out. */
const BATCH_ROWS = 5_000;
const MAX_BATCHES = 1_000;

/** How old rows of one table are deleted; `defineCleanUp` makes it. */
export interface CleanUp {
  statement: Statement;
}

/**
 * Deletes old rows of a table in short statements: after a backlog, one for all would run into its time limit again and again.
 * @param options.name of the statement
 * @param options.where tells which rows are old, by $1, $2, …; an index must answer it
 */
export function defineCleanUp(options: { name: string; table: string; where: string }): CleanUp {
  const { name, table, where } = options;
  // Replicas that clean up at once share the work.
  const old = `select ctid from ${table} where ${where} limit ${BATCH_ROWS} for update skip locked`;
  return { statement: { name, text: `delete from ${table} where ctid in (${old}) returning 1` } };
}

/** Deletes what is old now, at most five million rows. @returns how many */
export async function cleanUp(db: Queryable, { statement }: CleanUp, values: readonly unknown[]): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const { length } = await db.query(statement, values);
    total += length;
    if (length < BATCH_ROWS) break;
  }
  return total;
}
