import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import type { SessionRow } from '../entities/session-entity.ts';
import type { Device } from '../origin/device.ts';
import type { Factor } from './factors.ts';
import { decodeRefreshToken, matches } from './refresh-token.ts';
import { IDLE_MS, MAX_AGE_MS } from './sessions.ts';

/** That it was used is noted no more often than this. */
const TOUCH_EVERY_MS = 5 * MINUTE_MS;

const FIND = {
  name: 'browser-session-find',
  text: `select id as "sessionId", account_id as "accountId", family_hash as "familyHash", current_hash as "currentHash",
      factors, coalesce(confirmed_at_ms, created_at_ms)::float8 as "signedInAtMs", last_seen_at_ms::float8 as "lastSeenAtMs",
      (select browser_epoch from accounts where id = sessions.account_id) as epoch
    from sessions where id = $1 and kind = 'BROWSER' and expires_at_ms > $2 and revoked_at_ms is null
      and exists (select from accounts where accounts.id = account_id and state = 'ACTIVE')`,
};
const TOUCH = {
  name: 'browser-session-touch',
  text: `update sessions set last_seen_at_ms = $2, user_agent = $3, ip = $4, expires_at_ms = least($5, created_at_ms + ${MAX_AGE_MS})
    where id = $1 and revoked_at_ms is null and last_seen_at_ms <= $6`,
};

/** A person who is signed in at our own pages in a browser. */
export interface BrowserSession {
  sessionId: string;
  accountId: string;
  /** When the person last showed who they are, in milliseconds since the epoch. */
  signedInAtMs: number;
  factors: readonly Factor[];
  /** Of the account while it was there; see `OpenedSession`. */
  epoch: number;
}

/**
 * Sessions of browsers at our own pages: rows of `sessions` like those of apps, ended by whatever ends those. What opens one
 * (`sessions.open`) gives a value of the form of a refresh token, which the browser keeps as a cookie; it never takes turns, and refreshes nothing.
 */
export interface BrowserSessions {
  /** @param value of the cookie; undefined when there is none. @returns undefined when it opens no session (any more) */
  find(value: string | undefined, device: Device): Promise<BrowserSession | undefined>;
}

export function createBrowserSessions({ db, clock }: { db: Queryable; clock: Clock }): BrowserSessions {
  type Row = BrowserSession & Pick<SessionRow, 'familyHash' | 'currentHash' | 'lastSeenAtMs'>;
  return {
    async find(value = '', device) {
      const token = decodeRefreshToken(value);
      if (token === undefined) return undefined;
      const nowMs = clock.nowMs();
      const [row] = await db.query<Row>(FIND, [token.sessionId, nowMs]);
      if (row === undefined || !matches(row.familyHash, token.family) || !matches(row.currentHash, token.secret))
        return undefined;
      const { sessionId, accountId, signedInAtMs, factors, lastSeenAtMs, epoch } = row;
      if (lastSeenAtMs <= nowMs - TOUCH_EVERY_MS) {
        await db.query(TOUCH, [sessionId, nowMs, device.userAgent, device.ip, nowMs + IDLE_MS, nowMs - TOUCH_EVERY_MS]);
      }
      return { sessionId, accountId, signedInAtMs, factors, epoch };
    },
  };
}
