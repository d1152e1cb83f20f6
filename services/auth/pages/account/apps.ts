import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import type { Consents } from '../../consents/consents.ts';
import { consentsOf, type ListedConsent } from '../../consents/listing.ts';
import { hidden } from '../../html/fields.ts';
import { html, type Part } from '../../html/html.ts';
import { sendPage } from '../../html/send.ts';
import { targetOf } from '../../oauth/clients/redirect-uris.ts';
import { ACCOUNT_PAGES } from '../../oauth/routes.ts';
import { goOn } from '../page-handlers.ts';
import type { AccountPage, AccountVisit } from '../signed-in.ts';
import { scopeText } from '../texts/texts.ts';
import { accountLayout, doneIn, timeOf } from './layout.ts';

const PATH = ACCOUNT_PAGES.apps;

/** Which apps may use the account, and for what: each permission can be taken back. */
export function apps(parts: {
  db: Queryable;
  consents: Pick<Consents, 'revoke'>;
  issuer: string;
  clock: Clock;
}): AccountPage {
  const { db, consents, issuer, clock } = parts;
  return {
    path: PATH,
    async get(exchange, visit) {
      const listed = await consentsOf(db, visit.session.accountId, clock.nowMs());
      const { apps: texts } = visit.texts.account;
      const list = html`<ul class="rows">
${listed.map((consent) => row(visit, consent))}</ul>`;
      const body = html`<p>${texts.about}</p>
${listed.length === 0 ? html`<p class="note">${texts.none}</p>` : list}`;
      const done = doneIn(visit, { revoked: texts.revoked });
      sendPage(exchange.response, 200, accountLayout(visit, 'apps', { done, body }));
    },
    async post(exchange, visit, form) {
      // Nothing is there for what is no client of theirs, or was taken back already.
      const clientId = form.get('client') ?? '';
      await consents.revoke({ accountId: visit.session.accountId, clientId }, exchange);
      goOn(exchange, visit.whenDone('revoked'), issuer);
    },
  };
}

function row(visit: AccountVisit, consent: ListedConsent): Part {
  const { clientId, clientName, granted, lastAtMs, registeredAtMs } = consent;
  const { apps: texts } = visit.texts.account;
  const target = targetOf(consent.redirectUri);
  return html`<li><div><strong>${clientName}</strong>
<ul class="small">${granted.map((scope) => html`<li>${scopeText(visit.texts, scope)}</li>`)}</ul>
<p class="small">${texts.since} ${timeOf(visit, lastAtMs)}</p>
<p class="small">${texts.registered} ${timeOf(visit, registeredAtMs)}${target !== undefined && html` · <span>${target}</span>`} · <code>${clientId}</code></p></div>
<form method="post" action="${PATH}">
${hidden({ token: visit.token, client: clientId })}<button type="submit" class="danger" aria-label="${texts.revoke}: ${clientName}">${texts.revoke}</button>
</form></li>
`;
}
