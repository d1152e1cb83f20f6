import { z } from 'zod';
import { type Clock, DAY_MS } from '#kit/clock.ts';
import { id, validate } from '#kit/validate.ts';
import type { ApiKeys, IssuedKey } from '../../api-keys/api-keys.ts';
import { createInput, DEFAULT_OVERLAP_SECONDS } from '../../api-keys/key-input.ts';
import { sendPage } from '../../html/send.ts';
import type { HttpExchange } from '../../http/server.ts';
import { ACCOUNT_PAGES } from '../../oauth/routes.ts';
import type { OnceForms } from '../once.ts';
import { goOn } from '../page-handlers.ts';
import { type Refusal, refusalOf } from '../refusals.ts';
import type { AccountPage, AccountVisit } from '../signed-in.ts';
import { type KeysPage, keysPage, LIVES_DAYS } from './keys-page.ts';

const PATH = ACCOUNT_PAGES.keys;
const keyId = z.object({ id: id() });
const life = z.coerce.number().refine((days) => LIVES_DAYS.some((each) => each === days), 'must be one of those');

type Act = () => Promise<IssuedKey | undefined>;

/** API keys of the person: made, shown once, replaced and ended. */
export function keys(parts: {
  apiKeys: ApiKeys;
  onceForms: Pick<OnceForms, 'use'>;
  issuer: string;
  clock: Clock;
}): AccountPage {
  const { apiKeys, onceForms, issuer, clock } = parts;

  async function show(exchange: HttpExchange, visit: AccountVisit, page: Omit<KeysPage, 'keys'>): Promise<void> {
    const listed = await apiKeys.list(visit.session.accountId);
    const shown = keysPage(visit, { ...page, keys: listed });
    sendPage(exchange.response, page.refusal?.status ?? 200, shown);
  }

  /** Looks at what was typed. @returns what does it, which gives undefined where no secret is made */
  function read(exchange: HttpExchange, { session }: AccountVisit, form: URLSearchParams): Act {
    const { accountId, sessionId } = session;
    const action = form.get('action');
    if (action === 'create') {
      const { name, scopes } = validate(createInput, { name: form.get('name') ?? '', scopes: form.getAll('scope') });
      const { days } = validate(z.object({ days: life }), { days: form.get('days') ?? '' });
      const expiresAtMs = clock.nowMs() + days * DAY_MS;
      return () => apiKeys.create({ accountId, sessionId, name, scopes, expiresAtMs }, exchange);
    }
    const asked = keyId.safeParse({ id: form.get('id') ?? '' });
    if (!asked.success) return async () => undefined;
    const key = { id: asked.data.id, accountId, sessionId };
    if (action === 'rotate')
      return () =>
        apiKeys.rotate(key, { overlapMs: DEFAULT_OVERLAP_SECONDS * 1_000, expiresAtMs: undefined }, exchange);
    return async () => {
      await apiKeys.revoke(key, exchange);
      return undefined;
    };
  }

  return {
    path: PATH,
    isSensitive: true,
    get: (exchange, visit) => show(exchange, visit, {}),
    async post(exchange, visit, form) {
      const typed = { name: form.get('name') ?? '', scopes: form.getAll('scope'), days: form.get('days') ?? '' };
      let refusal: Refusal;
      try {
        const act = read(exchange, visit, form);
        if (form.get('action') !== 'revoke' && !(await onceForms.use(PATH, visit.session, form)))
          return goOn(exchange, visit.whenDone('again'), issuer);
        const issued = await act();
        if (issued === undefined) return goOn(exchange, visit.whenDone('revoked'), issuer);
        return await show(exchange, visit, { issued });
      } catch (error) {
        refusal = refusalOf(exchange, error, visit.texts);
      }
      await show(exchange, visit, { typed, refusal });
    },
  };
}
