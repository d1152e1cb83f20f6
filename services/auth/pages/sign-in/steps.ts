import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import type { FirstStep } from '../../accounts/credentials.ts';
import { cookieName, readCookie, setCookie } from '../../http/cookies.ts';
import { cookieKeys } from '../../oauth/interactions/cookies.ts';
import type { UsableOnce } from '../../tokens/single-use.ts';

const COOKIE = 'oxo_first_step';
/** So long the code may take. */
const KEPT_MS = 10 * MINUTE_MS;
const VALUE = /^(([0-9a-f-]{36})\.([0-9a-f-]{36})\.(\d{1,15})\.(\d{1,15}))\.([\w-]{43})$/;

/** That somebody has typed the right password in this browser just now. It works once, and not for long. */
export type KeptStep = FirstStep & UsableOnce;

/** Where a sign-in waits for its second step: in the browser, signed. Alone it opens nothing. */
export interface SignInSteps {
  begin(response: ServerResponse, step: FirstStep): void;
  /** @returns undefined when there is none, or it is too old */
  read(request: Pick<IncomingMessage, 'headers'>): KeptStep | undefined;
  forget(response: ServerResponse): void;
}

/** @param options.secrets the first signs, all verify */
export function createSignInSteps(options: { secrets: readonly string[]; issuer: string; clock: Clock }): SignInSteps {
  const { secrets, issuer, clock } = options;
  const keys = cookieKeys(secrets, 'first steps of sign-ins');
  return {
    begin(response, { accountId, epoch }) {
      const nowMs = clock.nowMs();
      const text = [newId(nowMs), accountId, epoch, nowMs + KEPT_MS].join('.');
      setCookie(response, issuer, { name: COOKIE, value: `${text}.${keys.sign(text)}`, maxAgeMs: KEPT_MS });
    },
    read({ headers }) {
      const found = VALUE.exec(readCookie(headers, cookieName(issuer, COOKIE)) ?? '');
      const [, text = '', id = '', accountId = '', epoch, expiresAt, signature = ''] = found ?? [];
      if (found === null || !keys.verify(text, signature)) return undefined;
      const expiresAtMs = Number(expiresAt);
      return expiresAtMs <= clock.nowMs() ? undefined : { id, accountId, epoch: Number(epoch), expiresAtMs };
    },
    forget: (response) => setCookie(response, issuer, { name: COOKIE, value: '', maxAgeMs: 0 }),
  };
}
