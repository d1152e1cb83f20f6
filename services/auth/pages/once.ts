import { type Clock, HOUR_MS } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { newId } from '#kit/ids.ts';
import { cookieKeys } from '../oauth/interactions/cookies.ts';
import type { BrowserSession } from '../sessions/browser-sessions.ts';
import type { SingleUse } from '../tokens/single-use.ts';

/** So long after it was shown such a form can be sent. */
const KEPT_MS = HOUR_MS;
const VALUE = /^([0-9a-f-]{36})\.(\d{1,15})\.([\w-]{43})$/;

type Owner = Pick<BrowserSession, 'sessionId'>;

/** Forms that do something once, however often a browser sends them: a page that was posted is sent again when it is loaded again. */
export interface OnceForms {
  /** For the field `once` of a form. @param page its path */
  tokenOf(page: string, owner: Owner): string;
  /**
   * Uses the form up, before what it is for: what fails after that is asked for by another form.
   * @returns false when it was used before, or is too old
   */
  use(page: string, owner: Owner, form: URLSearchParams): Promise<boolean>;
}

/** @param options.secrets the first signs, all verify */
export function createOnceForms(options: {
  db: Queryable;
  singleUse: Pick<SingleUse, 'spend'>;
  secrets: readonly string[];
  clock: Clock;
}): OnceForms {
  const { db, singleUse, clock } = options;
  const keys = cookieKeys(options.secrets, 'forms that work once');
  const textOf = (page: string, { sessionId }: Owner, rest: readonly string[]) =>
    JSON.stringify([page, sessionId, ...rest]);

  return {
    tokenOf(page, owner) {
      const nowMs = clock.nowMs();
      const rest = [newId(nowMs), String(nowMs + KEPT_MS)];
      return `${rest.join('.')}.${keys.sign(textOf(page, owner, rest))}`;
    },
    async use(page, owner, form) {
      const [, id = '', expiresAt = '', signature = ''] = VALUE.exec(form.get('once') ?? '') ?? [];
      if (!keys.verify(textOf(page, owner, [id, expiresAt]), signature)) return false;
      const expiresAtMs = Number(expiresAt);
      return expiresAtMs > clock.nowMs() && (await singleUse.spend(db, { id, expiresAtMs }));
    },
  };
}
