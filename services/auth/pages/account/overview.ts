import { OxoError } from '#kit/errors.ts';
import { html } from '../../html/html.ts';
import { sendPage } from '../../html/send.ts';
import type { HttpExchange } from '../../http/server.ts';
import { ACCOUNT_PAGES } from '../../oauth/routes.ts';
import type { Profiles } from '../../profiles/profiles.ts';
import type { AccountPage } from '../signed-in.ts';
import { accountLayout } from './layout.ts';

/** Where a person comes to who has signed in at our pages. */
export function overview({ profiles }: { profiles: Pick<Profiles, 'byId'> }): AccountPage {
  /** The page is there also while the user service is away. */
  async function handleOf({ requestId }: HttpExchange, accountId: string): Promise<string | undefined> {
    try {
      return (await profiles.byId(accountId, { requestId }))?.handle;
    } catch (error) {
      if (error instanceof OxoError) return undefined;
      throw error;
    }
  }

  return {
    path: ACCOUNT_PAGES.overview,
    async get(exchange, visit) {
      const { account } = visit.texts;
      const handle = await handleOf(exchange, visit.session.accountId);
      const links = (['profile', 'security', 'sessions', 'apps', 'keys', 'delete'] as const).map(
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
