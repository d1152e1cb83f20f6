import { z } from 'zod';
import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { id } from '#kit/validate.ts';
import type { ListedSession } from '../../entities/session-entity.ts';
import { hidden } from '../../html/fields.ts';
import { html, type Part } from '../../html/html.ts';
import { sendPage } from '../../html/send.ts';
import { ACCOUNT_PAGES } from '../../oauth/routes.ts';
import { deviceName } from '../../origin/device-name.ts';
import { sessionsOf } from '../../sessions/listing.ts';
import type { Sessions } from '../../sessions/sessions.ts';
import { goOn } from '../page-handlers.ts';
import type { AccountPage, AccountVisit } from '../signed-in.ts';
import { accountLayout, doneIn, timeOf } from './layout.ts';

const PATH = ACCOUNT_PAGES.sessions;
const sessionId = z.object({ id: id() });

/** Where a person is signed in: each can be ended, or all but this browser's. */
export function sessions(parts: {
  db: Queryable;
  sessions: Pick<Sessions, 'revoke'>;
  issuer: string;
  clock: Clock;
}): AccountPage {
  const { db, issuer, clock } = parts;
  return {
    path: PATH,
    async get(exchange, visit) {
      const listed = await sessionsOf(db, visit.session.accountId, clock.nowMs());
      const { sessions: texts } = visit.texts.account;
      const others = html`<form method="post" action="${PATH}">
${hidden({ token: visit.token })}<p class="actions"><button type="submit" class="danger" name="others" value="yes">${texts.endOthers}</button></p>
</form>`;
      const body = html`<p>${texts.about}</p>
<ul class="rows">
${listed.map((session) => row(visit, session))}</ul>
${listed.length > 1 && others}`;
      const done = doneIn(visit, { ended: texts.ended });
      sendPage(exchange.response, 200, accountLayout(visit, 'sessions', { done, body }));
    },
    async post(exchange, visit, form) {
      const { accountId: userId, sessionId: own } = visit.session;
      const asked = sessionId.safeParse({ id: form.get('id') ?? '' });
      const listed = form.has('others') ? await sessionsOf(db, userId, clock.nowMs()) : [];
      const ended = form.has('others') ? listed.map((each) => each.id) : asked.success ? [asked.data.id] : [];
      // What fails can be asked for again: those that have ended are not listed any more.
      for (const each of ended.filter((one) => one !== own)) {
        await parts.sessions.revoke({ sessionId: each, userId }, exchange);
      }
      goOn(exchange, visit.whenDone('ended'), issuer);
    },
  };
}

function row(visit: AccountVisit, { id, userAgent, ip, createdAtMs, lastSeenAtMs }: ListedSession): Part {
  const { sessions: texts } = visit.texts.account;
  const device = deviceName(userAgent) ?? texts.unknown;
  const end = html`<form method="post" action="${PATH}">
${hidden({ token: visit.token, id })}<button type="submit" class="danger" aria-label="${texts.end}: ${device}">${texts.end}</button>
</form>`;
  return html`<li><div><strong>${device}</strong>
<p class="small">${ip !== '' && html`${ip} · `}${texts.since} ${timeOf(visit, createdAtMs)} · ${texts.last} ${timeOf(visit, lastSeenAtMs)}</p></div>
${id === visit.session.sessionId ? html`<span class="small">${texts.current}</span>` : end}</li>
`;
}
