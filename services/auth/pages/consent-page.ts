import type { OAuthClient, OAuthInteraction } from '../oauth/interactions/interactions.ts';
import { CONSENT_PAGE } from '../oauth/routes.ts';
import { html, type Part } from './html.ts';
import { hidden, type Page } from './layout.ts';
import { labelOf } from './scope-labels.ts';

/** Asks what the client may do; each scope can be unticked, but who the person is to the client, without which there is no sign-in. */
export function consentPage(options: {
  interaction: OAuthInteraction;
  token: string;
  handle: string | undefined;
}): Page {
  const { interaction, token, handle } = options;
  const { client, scopes, redirectOrigin, isDevice } = interaction;
  return {
    title: 'Allow access?',
    formLeadsTo: [redirectOrigin],
    body: html`<p><strong>${client.name}</strong> wants to use your account${handle === undefined ? undefined : html` <strong>@${handle}</strong>`}. Nobody has checked who is behind this app.</p>
${leadsTo(isDevice, redirectOrigin)}
<form method="post" action="${CONSENT_PAGE}">
${hidden({ interaction: interaction.id, token })}
<fieldset>
<legend>It asks to be allowed to do this. Untick what it shall not do:</legend>
${scopes.map(scopeField)}
</fieldset>
<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny">Do not allow</button>
</form>
${linksOf(client)}`,
  };
}

function leadsTo(isDevice: boolean, origin: string | undefined): Part {
  if (isDevice) return html`<p>It runs on the device that shows the code which you have entered.</p>`;
  return origin === undefined ? undefined : html`<p>From here you go to <strong>${origin}</strong>.</p>`;
}

function scopeField(scope: string): Part {
  const name = html` <span class="small">(${scope})</span>`;
  if (scope === 'openid') {
    return html`<label><input type="checkbox" checked disabled> ${labelOf(scope)}${name}</label>${hidden({ scope })}`;
  }
  return html`<label><input type="checkbox" name="scope" value="${scope}" checked> ${labelOf(scope)}${name}</label>
`;
}

function linksOf({ uri, policyUri, termsUri }: OAuthClient): Part {
  const links = [
    ['About the app', uri],
    ['Its privacy policy', policyUri],
    ['Its terms', termsUri],
  ] as const;
  const shown = links.flatMap(([text, href]) =>
    href?.startsWith('https://')
      ? [html`<li><a href="${href}" rel="noopener noreferrer nofollow">${text}</a></li>`]
      : [],
  );
  return shown.length === 0 ? undefined : html`<ul class="small">${shown}</ul>`;
}
