import type { Clock } from '#kit/clock.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import { OxoError } from '#kit/errors.ts';

const LOCK = {
  name: 'account-lock',
  text: "select 1 from accounts where id = $1 and state = 'ACTIVE' for no key update",
};
/** A statement of its own: it sees what was committed while the account was waited for. What ends this session alone waits for the change. */
const HOLD_SESSION = {
  name: 'account-lock-session',
  text: `select 1 from sessions where id = $1 and account_id = $2 and expires_at_ms > $3 and revoked_at_ms is null for share`,
};

/** Who changes what belongs to an account: its person, by a session of theirs. */
export interface Owner {
  userId: string;
  sessionId: string;
}

/**
 * Locks an account until the transaction ends: what belongs to it is changed by one request at a time, and nothing is made once it was ended.
 * @returns false when it was ended, or there is none
 */
export async function lockAccount(tx: Transaction, accountId: string): Promise<boolean> {
  return (await tx.query(LOCK, [accountId])).length > 0;
}

/**
 * Locks the account of somebody who is signed in to it, as `lockAccount`. Their token says so until every service has heard that the session was
 * ended, and what they add would outlive it: so whatever makes or changes a way in asks this first, in its own transaction.
 * @throws OxoError SESSION_REVOKED when the account or the session was ended
 */
export async function lockOwner(tx: Transaction, { userId, sessionId }: Owner, nowMs: number): Promise<void> {
  if (!(await lockAccount(tx, userId))) throw accountEnded();
  if ((await tx.query(HOLD_SESSION, [sessionId, userId, nowMs])).length > 0) return;
  throw new OxoError('SESSION_REVOKED', 'The session was ended.');
}

/** Changes what belongs to an account, which is locked meanwhile. @throws OxoError as `lockOwner` */
export function changeAccount<Result>(
  { db, clock }: { db: Pick<Database, 'transaction'>; clock: Clock },
  owner: Owner,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  return db.transaction(async (tx) => {
    await lockOwner(tx, owner, clock.nowMs());
    return work(tx);
  });
}

/** Of whoever is signed in to an account that was ended meanwhile. */
export function accountEnded(): OxoError {
  return new OxoError('SESSION_REVOKED', 'The account was ended.');
}
