import { OxoError } from '#kit/errors.ts';
import type { Profiles } from '../../accounts/profiles.ts';
import { html } from '../../html/html.ts';
import { sendPage } from '../../html/send.ts';
import type { HttpExchange } from '../../http/server.ts';
import { ACCOUNT_PAGE, SIGN_OUT_PAGE } from '../../oauth/routes.ts';
import { layout } from '../layout.ts';
import type { AccountPage } from '../signed-in.ts';

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
    path: ACCOUNT_PAGE,
    async get(exchange, visit) {
      const { account, signOut } = visit.texts;
      const handle = await handleOf(exchange, visit.session.accountId);
      const page = layout(visit, {
        title: account.title,
        body: html`<p>${account.as(handle)}</p>
<p><a href="${SIGN_OUT_PAGE}">${signOut.confirm}</a></p>`,
      });
      sendPage(exchange.response, 200, page);
    },
  };
}
