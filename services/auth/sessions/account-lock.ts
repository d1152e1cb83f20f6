import type { Database, Transaction } from '#kit/db/database.ts';
import { OxoError } from '#kit/errors.ts';

const LOCK = {
  name: 'account-lock',
  text: "select 1 from accounts where id = $1 and state = 'ACTIVE' for no key update",
};

/**
 * Locks an account until the transaction ends: what belongs to it is changed by one request at a time, and nothing is made once it was ended.
 * @returns false when it was ended, or there is none
 */
export async function lockAccount(tx: Transaction, accountId: string): Promise<boolean> {
  return (await tx.query(LOCK, [accountId])).length > 0;
}

/** Changes what belongs to an account, which is locked meanwhile. @throws OxoError SESSION_REVOKED when it was ended */
export function changeAccount<Result>(
  db: Pick<Database, 'transaction'>,
  accountId: string,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  return db.transaction(async (tx) => {
    if (!(await lockAccount(tx, accountId))) throw accountEnded();
    return work(tx);
  });
}

/** Of whoever is signed in to an account that was ended meanwhile. */
export function accountEnded(): OxoError {
  return new OxoError('SESSION_REVOKED', 'The account was ended.');
}
