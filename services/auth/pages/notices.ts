import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import { cookieKeys } from '../oauth/interactions/cookies.ts';
import type { BrowserSession } from '../sessions/browser-sessions.ts';

/** So long it is said again when the page is loaded again. */
const SAID_FOR_MS = 5 * MINUTE_MS;
const PARAMETER = 'done';
const VALUE = /^([a-z]{1,20})\.(\d{1,15})\.([\w-]{43})$/;

type Owner = Pick<BrowserSession, 'sessionId'>;

/**
 * What was done just now, in the address of the page that says so: a form that was posted leads there, so that it is not posted twice. Nobody else can
 * have a page say it: a link that somebody sends says nothing.
 */
export interface Notices {
  /** Address of the page that says it. @param page its path @param done one word */
  addressOf(page: string, owner: Owner, done: string): string;
  /** What the page is to say; undefined when it is nothing, or was said to another session, or long ago. */
  read(page: string, owner: Owner, query: URLSearchParams): string | undefined;
}

/** @param options.secrets the first signs, all verify */
export function createNotices({ secrets, clock }: { secrets: readonly string[]; clock: Clock }): Notices {
  const keys = cookieKeys(secrets, 'notices of pages');
  const textOf = (page: string, { sessionId }: Owner, rest: readonly string[]) =>
    JSON.stringify([page, sessionId, ...rest]);

  return {
    addressOf(page, owner, done) {
      const rest = [done, String(clock.nowMs() + SAID_FOR_MS)];
      const value = `${rest.join('.')}.${keys.sign(textOf(page, owner, rest))}`;
      return `${page}?${new URLSearchParams({ [PARAMETER]: value })}`;
    },
    read(page, owner, query) {
      const [, done = '', expiresAt = '', signature = ''] = VALUE.exec(query.get(PARAMETER) ?? '') ?? [];
      const isOurs = keys.verify(textOf(page, owner, [done, expiresAt]), signature);
      return isOurs && Number(expiresAt) > clock.nowMs() ? done : undefined;
    },
  };
}
