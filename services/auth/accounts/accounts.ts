import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { recordAudit } from '../audit/audit-log.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import type { NewProfile } from '../profiles/profiles.ts';
import { activateAccount } from '../sessions/activate-account.ts';

/** A registration that is not through after so long was cut off, and is taken up by the sweep; so is one that the sweep could not finish. */
const SWEEP_AFTER_MS = MINUTE_MS;
const SWEEP_ROWS = 100;

const INSERT_PENDING = {
  name: 'account-insert',
  text: `insert into accounts (id, email, password_hash, state, pending_handle, pending_display_name, sweep_at_ms, created_at_ms)
    values ($1, $2, $3, 'PENDING', $4, $5, $6, $7)`,
};
const DELETE_PENDING = {
  name: 'account-delete-pending',
  text: "delete from accounts where id = $1 and state = 'PENDING'",
};
const CLAIM_PENDING = {
  name: 'account-claim-pending',
  text: `update accounts set sweep_at_ms = $2 where id in
      (select id from accounts where sweep_at_ms <= $1 order by sweep_at_ms limit ${SWEEP_ROWS} for update skip locked)
    returning id, pending_handle as handle, pending_display_name as "displayName"`,
};
const PASSWORD = {
  name: 'account-password',
  text: 'select password_hash as "passwordHash", browser_epoch as epoch from accounts where id = $1',
};

const ID_OF_VERIFIED_EMAIL = {
  name: 'account-id-of-verified-email',
  text: 'select id from accounts where email = $1 and email_verified_at_ms is not null',
};

/** A registration whose profile may not exist yet. */
export type PendingAccount = NewProfile;

/** By what somebody is let in. */
export interface AccountPassword {
  passwordHash: string;
  /** Of the account when the hash was its: whatever gives it another one, or ends all its sessions, begins the next. */
  epoch: number;
}

/** The rows of accounts. An account is PENDING until its profile is known to exist. */
export interface Accounts {
  insertPending(account: PendingAccount & { email: string; passwordHash: string }): Promise<void>;
  /** Undoes a registration; does nothing to an active account. */
  deletePending(id: string): Promise<void>;
  /** Finishes a registration that was cut off. */
  activate(id: string, call: MailCall): Promise<void>;
  /** Takes registrations that were cut off, at most 100, away from other sweeps for a minute. */
  claimPending(): Promise<PendingAccount[]>;
  password(id: string): Promise<AccountPassword | undefined>;
  /** @param email normalised */
  idOfVerifiedEmail(email: string): Promise<string | undefined>;
}

export function createAccounts({ db, mail, clock }: { db: Database; mail: Mail; clock: Clock }): Accounts {
  return {
    async insertPending({ id, email, passwordHash, handle, displayName }) {
      const nowMs = clock.nowMs();
      await db.query(INSERT_PENDING, [id, email, passwordHash, handle, displayName, nowMs + SWEEP_AFTER_MS, nowMs]);
    },
    async deletePending(id) {
      await db.query(DELETE_PENDING, [id]);
    },
    async activate(id, call) {
      await db.transaction(async (tx) => {
        const activated = await activateAccount(tx, mail, { accountId: id }, call);
        if (activated?.isNew) await recordAudit(tx, { action: 'REGISTER', accountId: id }, call);
      });
    },
    claimPending() {
      const nowMs = clock.nowMs();
      return db.query<PendingAccount>(CLAIM_PENDING, [nowMs, nowMs + SWEEP_AFTER_MS]);
    },
    async password(id) {
      const [row] = await db.query<AccountPassword>(PASSWORD, [id]);
      return row;
    },
    async idOfVerifiedEmail(email) {
      const [row] = await db.query<{ id: string }>(ID_OF_VERIFIED_EMAIL, [email]);
      return row?.id;
    },
  };
}
