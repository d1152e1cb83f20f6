import type { IssuedKey } from '../../api-keys/api-keys.ts';
import { MAX_KEY_NAME_CHARACTERS } from '../../api-keys/key-input.ts';
import type { ListedKey } from '../../api-keys/statements.ts';
import type { Page } from '../../html/document.ts';
import { choice, field, hidden } from '../../html/fields.ts';
import { html, type Part } from '../../html/html.ts';
import { ACCOUNT_PAGES } from '../../oauth/routes.ts';
import { OFFERED_API_SCOPES } from '../../tokens/scopes.ts';
import type { Refusal } from '../refusals.ts';
import type { AccountVisit } from '../signed-in.ts';
import { scopeText } from '../texts/texts.ts';
import { accountLayout, doneIn, timeOf } from './layout.ts';

const PATH = ACCOUNT_PAGES.keys;
/** How long a key may live, in days. */
export const LIVES_DAYS = [7, 30, 90, 366];
const DEFAULT_DAYS = '90';

export interface KeysPage {
  keys: readonly ListedKey[];
  /** Just now: shown this once. */
  issued?: IssuedKey;
  typed?: { name: string; scopes: readonly string[]; days: string };
  refusal?: Refusal;
}

/** The keys that there are, and a form for another one. */
export function keysPage(visit: AccountVisit, page: KeysPage): Page {
  const { keys: texts } = visit.texts.account;
  const list = html`<ul class="rows">
${page.keys.map((key) => row(visit, key))}</ul>`;
  return accountLayout(visit, 'keys', {
    problem: page.refusal?.problem,
    done:
      page.issued === undefined
        ? doneIn(visit, { revoked: texts.revoked, again: visit.texts.account.again })
        : texts.issued(page.issued.key.name),
    body: html`${
      page.issued !== undefined &&
      html`<p><code class="secret" id="secret">${page.issued.secret}</code></p>
`
    }<p>${texts.about}</p>
${page.keys.length === 0 ? html`<p class="note">${texts.none}</p>` : list}
<h2>${texts.another}</h2>
${form(visit, page)}`,
  });
}

function row(visit: AccountVisit, { id, name, scopes, expiresAtMs, lastUsedAtMs }: ListedKey): Part {
  const { keys: texts } = visit.texts.account;
  const used =
    lastUsedAtMs === null || lastUsedAtMs === undefined
      ? texts.unused
      : html`${texts.used} ${timeOf(visit, lastUsedAtMs)}`;
  return html`<li><div><strong>${name}</strong>
<p class="small">${scopes.join(', ')}</p>
<p class="small">${texts.until} ${timeOf(visit, expiresAtMs)} · ${used}</p></div>
<form method="post" action="${PATH}">
${hidden({ token: visit.token, once: visit.once, id })}<p class="actions"><button type="submit" class="second" name="action" value="rotate" aria-label="${texts.rotate}: ${name}">${texts.rotate}</button>
<button type="submit" class="danger" name="action" value="revoke" aria-label="${texts.revoke}: ${name}">${texts.revoke}</button></p>
</form></li>
`;
}

function form(visit: AccountVisit, { typed, refusal }: KeysPage): Part {
  const { keys: texts } = visit.texts.account;
  const { name = '', scopes = [], days = DEFAULT_DAYS } = typed ?? {};
  const { fields: problems = {} } = refusal ?? {};
  const boxes = OFFERED_API_SCOPES.map((scope) =>
    choice({
      name: 'scope',
      value: scope,
      label: scopeText(visit.texts, scope),
      detail: scope,
      isChecked: scopes.includes(scope),
    }),
  );
  const lives = LIVES_DAYS.map(
    (each) => html`<option value="${each}"${String(each) === days && html` selected`}>${texts.days(each)}</option>`,
  );
  return html`<form method="post" action="${PATH}">
${hidden({ token: visit.token, once: visit.once })}${field({
  ...{
    name: 'name',
    label: texts.name,
    hint: texts.nameHint,
    value: name,
    maxLength: MAX_KEY_NAME_CHARACTERS,
    autocomplete: 'off',
  },
  ...{ problem: problems.name, isFirst: problems.name !== undefined },
})}<fieldset${problems.scopes !== undefined && html` aria-describedby="scopes-problem"`}>
<legend>${texts.scopes}</legend>
${boxes}${problems.scopes !== undefined && html`<span class="wrong" id="scopes-problem">${problems.scopes}</span>`}</fieldset>
<div class="field"><label for="days">${texts.life}</label>
<select id="days" name="days">${lives}</select></div>
<p class="actions"><button type="submit" name="action" value="create">${texts.create}</button></p>
</form>`;
}
