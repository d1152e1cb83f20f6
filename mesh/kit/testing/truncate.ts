import type { Queryable } from '#kit/db/database.ts';

/** Empties these tables, and those whose rows belong to theirs. Its statement is named after them: a name has one text. */
export async function truncate(db: Queryable, ...tables: readonly [string, ...string[]]): Promise<void> {
  await db.query({ name: `test-truncate-${tables.join('-')}`, text: `truncate ${tables.join(', ')} cascade` });
}
