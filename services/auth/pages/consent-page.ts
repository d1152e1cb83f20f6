import type { Page } from '../html/document.ts';
import { choice, hidden } from '../html/fields.ts';
import { html, type Part } from '../html/html.ts';
import type { OAuthClient, OAuthInteraction } from '../oauth/interactions/interactions.ts';
import { CONSENT_PAGE } from '../oauth/routes.ts';
import { layout } from './layout.ts';
import { scopeText, type Texts } from './texts/texts.ts';
import type { Visit } from './visit.ts';

/** Asks what the client may do; each scope can be unticked, but who the person is to the client, without which there is no sign-in. */
export function consentPage(
  visit: Visit,
  options: { interaction: OAuthInteraction; token: string; handle: string | undefined },
): Page {
  const { interaction, token, handle } = options;
  const { client, scopes, redirectOrigin } = interaction;
  const { texts } = visit;
  return layout(visit, {
    title: texts.consent.title,
    formLeadsTo: [redirectOrigin],
    body: html`<p>${texts.consent.wants(client.name, handle)}</p>
${leadsTo(texts, interaction)}<form method="post" action="${CONSENT_PAGE}">
${hidden({ interaction: interaction.id, token })}<fieldset>
<legend>${texts.consent.scopes}</legend>
${scopes.map((scope) => scopeField(texts, scope))}</fieldset>
<p class="actions"><button type="submit" name="decision" value="allow">${texts.consent.allow}</button>
<button type="submit" class="second" name="decision" value="deny">${texts.consent.deny}</button></p>
</form>
${linksOf(texts, client)}`,
  });
}

function leadsTo({ consent }: Texts, { isDevice, redirectOrigin }: OAuthInteraction): Part {
  if (isDevice)
    return html`<p>${consent.device}</p>
`;
  return redirectOrigin === undefined
    ? undefined
    : html`<p>${consent.leadsTo(redirectOrigin)}</p>
`;
}

function scopeField(texts: Texts, scope: string): Part {
  const label = scopeText(texts, scope);
  return choice({ name: 'scope', value: scope, label, detail: scope, isChecked: true, isFixed: scope === 'openid' });
}

function linksOf({ consent }: Texts, client: OAuthClient): Part {
  const shown = (['uri', 'policyUri', 'termsUri'] as const).flatMap((name) => {
    const href = client[name];
    return href?.startsWith('https://')
      ? [html`<li><a href="${href}" rel="noopener noreferrer nofollow">${consent.links[name]}</a></li>`]
      : [];
  });
  return shown.length === 0 ? undefined : html`<ul class="small">${shown}</ul>`;
}
