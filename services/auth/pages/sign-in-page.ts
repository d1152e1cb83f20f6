import type { OAuthInteraction } from '../oauth/interactions/interactions.ts';
import { SIGN_IN_PAGE } from '../oauth/routes.ts';
import { html, type Part } from './html.ts';
import { alertOf, hidden, type Page } from './layout.ts';

/** What is wrong with each field, in words. */
export type FieldProblems = Partial<Record<'identifier' | 'password', string>>;

export interface SignInPage {
  interaction: OAuthInteraction;
  token: string;
  identifier: string;
  problem?: string | undefined;
  fields?: FieldProblems;
}

const MAX_IDENTIFIER = 254;
const MAX_PASSWORD = 256;

/** Asks for handle or email address, and password. */
export function signInPage({ interaction, token, identifier, problem, fields = {} }: SignInPage): Page {
  return {
    title: 'Sign in',
    formLeadsTo: [interaction.redirectOrigin],
    body: html`<p>to go on to <strong>${interaction.client.name}</strong></p>
${alertOf(problem)}
<form method="post" action="${SIGN_IN_PAGE}">
${hidden({ interaction: interaction.id, token })}
${field({ name: 'identifier', label: 'Handle or email address', problem: fields.identifier, input: html`<input type="text" id="identifier" name="identifier" value="${identifier.slice(0, MAX_IDENTIFIER)}" required maxlength="${MAX_IDENTIFIER}" autocomplete="username" autocapitalize="none" spellcheck="false"${described('identifier', fields.identifier)}>` })}
${field({ name: 'password', label: 'Password', problem: fields.password, input: html`<input type="password" id="password" name="password" required maxlength="${MAX_PASSWORD}" autocomplete="current-password"${described('password', fields.password)}>` })}
<button type="submit">Sign in</button>
<button type="submit" name="cancel" value="yes" formnovalidate>Cancel</button>
</form>`,
  };
}

function field({ name, label, problem, input }: { name: string; label: string; problem?: string; input: Part }): Part {
  return html`<p><label for="${name}">${label}</label>
${input}${problem === undefined ? undefined : html`<span class="wrong" id="${name}-problem">${problem}</span>`}</p>`;
}

function described(name: string, problem: string | undefined): Part {
  return problem === undefined ? undefined : html` aria-invalid="true" aria-describedby="${name}-problem"`;
}
