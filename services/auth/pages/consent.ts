import { sendPage } from '../html/send.ts';
import type { Interactions, OAuthInteraction } from '../oauth/interactions/interactions.ts';
import { CONSENT_PAGE, SIGN_IN_PAGE } from '../oauth/routes.ts';
import { handleIfThere, type Profiles } from '../profiles/profiles.ts';
import { consentPage } from './consent-page.ts';
import type { Forms } from './forms.ts';
import { goOn, type PageHandlers } from './page-handlers.ts';
import { expiredPage, foreignFormPage } from './problem-pages.ts';
import { visitOf } from './visit.ts';

export interface ConsentDependencies {
  interactions: Interactions;
  profiles: Pick<Profiles, 'byId'>;
  forms: Forms;
  issuer: string;
}

/** Asks a person who has signed in what the client may do. */
export function consent({ interactions, profiles, forms, issuer }: ConsentDependencies): PageHandlers {
  const ownerOf = ({ id, accountId }: OAuthInteraction) => ({ interactionId: id, accountId });

  return {
    async get(exchange) {
      const visit = visitOf(exchange.request, issuer);
      const interaction = await interactions.read(exchange, exchange.query.get('interaction') ?? '');
      if (interaction === undefined) return sendPage(exchange.response, 400, expiredPage(visit));
      if (interaction.prompt !== 'consent')
        return goOn(exchange, `${SIGN_IN_PAGE}?interaction=${interaction.id}`, issuer);
      const { accountId } = interaction;
      // One can consent without seeing one's handle.
      const handle = accountId === undefined ? undefined : await handleIfThere(profiles, accountId, exchange);
      sendPage(
        exchange.response,
        200,
        consentPage(visit, { interaction, handle, token: forms.tokenOf(exchange, CONSENT_PAGE, ownerOf(interaction)) }),
      );
    },
    async post(exchange, form) {
      const visit = visitOf(exchange.request, issuer);
      const interaction = await interactions.read(exchange, form.get('interaction') ?? '');
      if (interaction?.prompt !== 'consent') return sendPage(exchange.response, 400, expiredPage(visit));
      if (!forms.isOurs(exchange, CONSENT_PAGE, form, ownerOf(interaction))) {
        return sendPage(exchange.response, 403, foreignFormPage(visit));
      }
      const { id } = interaction;
      // Nothing but the button says yes.
      const location =
        form.get('decision') === 'allow'
          ? await interactions.finishConsent(exchange, id, { scopes: form.getAll('scope') })
          : await interactions.abort(exchange, id);
      goOn(exchange, location, issuer);
    },
  };
}
