import type { Queryable } from '#kit/db/database.ts';

/** How much goes is the owner's to say: what calls it can name neither entries nor times. */
const PRUNE = { name: 'audit-prune', text: 'select audit.prune() as pruned' };
const MAX_BATCHES = 1_000;

/** Has removed what is older than the log is kept, and addresses that are older than those are, in short statements. @returns how many entries */
export async function pruneAuditLog(db: Queryable): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const [row] = await db.query<{ pruned: number }>(PRUNE);
    if (row === undefined || row.pruned === 0) break;
    total += row.pruned;
  }
  return total;
}
