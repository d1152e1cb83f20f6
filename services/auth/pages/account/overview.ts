import { html } from '../../html/html.ts';
import { sendPage } from '../../html/send.ts';
import { ACCOUNT_PAGES } from '../../oauth/routes.ts';
import { handleIfThere, type Profiles } from '../../profiles/profiles.ts';
import type { AccountPage } from '../signed-in.ts';
import { accountLayout, SECTIONS } from './layout.ts';

/** Where a person comes to who has signed in at our pages. */
export function overview({ profiles }: { profiles: Pick<Profiles, 'byId'> }): AccountPage {
  return {
    path: ACCOUNT_PAGES.overview,
    async get(exchange, visit) {
      const { account } = visit.texts;
      const handle = await handleIfThere(profiles, visit.session.accountId, exchange);
      const links = ([...SECTIONS, 'delete'] as const).map(
        (section) => html`<li><div><a href="${ACCOUNT_PAGES[section]}">${account.sections[section]}</a>
<p class="small">${account.about[section]}</p></div></li>
`,
      );
      const body = html`<p>${account.as(handle)}</p>
<ul class="rows">
${links}</ul>`;
      sendPage(exchange.response, 200, accountLayout(visit, 'overview', { body }));
    },
  };
}
