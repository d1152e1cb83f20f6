import type { Clock } from '#kit/clock.ts';
import type { Database, Queryable, Transaction } from '#kit/db/database.ts';
import { hashOf } from '../../tokens/hash.ts';
import { type Artifact, insertArtifact, storeArtifact } from './artifacts.ts';

const EPOCH = {
  name: 'oauth-interaction-epoch',
  text: `select accounts.browser_epoch as epoch from oauth_artifacts join accounts on accounts.id = oauth_artifacts.account_id
    where id_hash = $1 and kind = 'Interaction' and accounts.id = $2`,
};
// Whoever signs the account out of all browsers waits for this, or has done it before.
const HOLD_ACCOUNT = {
  name: 'oauth-session-hold-account',
  text: `select 1 from accounts where id = $1 and state = 'ACTIVE' and browser_epoch = coalesce($2, browser_epoch) for share`,
};
const HOLD_SESSION = {
  name: 'oauth-session-hold',
  text: `select 1 from oauth_artifacts where id_hash = $1 and kind = 'Session' and account_id is not distinct from $2 for key share`,
};
const REPLACE = {
  name: 'oauth-session-replace',
  text: `update oauth_artifacts set id_hash = $3, account_id = $4, payload = $5, expires_at_ms = $6
    where id_hash = $1 and kind = 'Session' and account_id is not distinct from $2 returning 1`,
};

/** A browser's session as a request has found it. */
export interface FoundSession {
  idHash: Buffer;
  uid: string;
  accountId: string | null;
}

/** By what a browser does something for a person: what of it there is has to hold still. */
export interface SignedIn {
  accountId: string;
  /** The session that the request has found. */
  session: FoundSession | undefined;
  /** Of a sign-in that the session does not know yet. */
  epoch: number | undefined;
}

/**
 * Browsers' sessions. A request writes what it has found back when it ends; a session that has ended meanwhile is not there any more, and
 * does not come back by it.
 */
export interface SessionRows {
  /** In which somebody is asked what they allow to a client; undefined when the question has ended with the sign-in. */
  epochOfQuestion(id: string, accountId: string): Promise<number | undefined>;
  /**
   * Stores the session of a request: in place of the one that it has found, under the same or another key, if that is there still.
   * @param epoch of the sign-in by which the session becomes a person's; undefined when it was theirs before
   * @returns false when it has ended, and nothing is stored
   */
  save(session: Artifact, found: FoundSession | undefined, epoch: number | undefined): Promise<boolean>;
  /** Stores what a browser gives in the name of who is signed in. @returns false when the sign-in has ended, and nothing is stored */
  issue(signedIn: SignedIn, kind: string, artifact: Artifact): Promise<boolean>;
}

export function createSessionRows(db: Database, clock: Clock): SessionRows {
  async function write(tx: Queryable, session: Artifact, found: FoundSession | undefined): Promise<boolean> {
    const nowMs = clock.nowMs();
    if (found === undefined) {
      await insertArtifact(tx, 'Session', session, nowMs);
      return true;
    }
    const { idHash, accountId, payload, lifetimeMs } = session;
    const values = [idHash, accountId, JSON.stringify(payload), nowMs + lifetimeMs];
    return (await tx.query(REPLACE, [found.idHash, found.accountId, ...values])).length > 0;
  }

  const isHeld = async (tx: Transaction, accountId: string, epoch: number | undefined) =>
    (await tx.query(HOLD_ACCOUNT, [accountId, epoch ?? null])).length > 0;

  return {
    async epochOfQuestion(id, accountId) {
      const [row] = await db.query<{ epoch: number }>(EPOCH, [hashOf(id), accountId]);
      return row?.epoch;
    },
    async save(session, found, epoch) {
      const { accountId } = session;
      if (accountId === null || epoch === undefined) return write(db, session, found);
      return db.transaction(async (tx) => (await isHeld(tx, accountId, epoch)) && (await write(tx, session, found)));
    },
    issue: ({ accountId, session, epoch }, kind, artifact) =>
      db.transaction(async (tx) => {
        if (!(await isHeld(tx, accountId, epoch))) return false;
        const isThere =
          session === undefined || (await tx.query(HOLD_SESSION, [session.idHash, session.accountId])).length > 0;
        if (isThere) await storeArtifact(tx, kind, artifact, clock.nowMs());
        return isThere;
      }),
  };
}
