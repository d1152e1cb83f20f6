import type { Queryable } from '#kit/db/database.ts';

/** Its sessions go with it. Only one that was ended: nobody can sign in between. */
const ERASE = { name: 'account-erase', text: "delete from accounts where id = $1 and state = 'DISABLED'" };
const FIND = { name: 'account-find', text: 'select 1 from accounts where id = $1' };

/**
 * Erases an account that was ended: email address, password, sessions. Repeated it changes nothing.
 * @throws Error when the account was not ended
 */
export async function eraseAccount(db: Queryable, id: string): Promise<void> {
  await db.query(ERASE, [id]);
  if ((await db.query(FIND, [id])).length > 0) throw new Error('An account is to be erased that was not ended.');
}
