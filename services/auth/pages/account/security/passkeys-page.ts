import type { ListedPasskey as Passkey } from '../../../entities/passkey-entity.ts';
import type { Page } from '../../../html/document.ts';
import { field, hidden } from '../../../html/fields.ts';
import { html, type Part } from '../../../html/html.ts';
import { ACCOUNT_PAGES } from '../../../oauth/routes.ts';
import type { Question } from '../../passkey-question.ts';
import type { Refusal } from '../../refusals.ts';
import type { AccountVisit } from '../../signed-in.ts';
import { accountLayout, timeOf } from '../layout.ts';

const PATH = ACCOUNT_PAGES.passkeys;
const MAX_NAME = 60;

export interface PasskeysPage {
  passkeys: readonly Passkey[];
  /** Undefined when no other can be added. */
  question: Question | undefined;
  /** What the device is called, as a name for its passkey. */
  name: string;
  done?: string | undefined;
  refusal?: Refusal | undefined;
}

/** The passkeys that there are, and a form for another one, which needs the script. */
export function passkeysPage(visit: AccountVisit, page: PasskeysPage): Page {
  const { passkeys: texts } = visit.texts.account;
  const list = html`<ul class="rows">
${page.passkeys.map((passkey) => row(visit, passkey))}</ul>`;
  return accountLayout(visit, 'passkeys', {
    problem: page.refusal?.problem,
    done: page.done,
    script: page.question?.script,
    body: html`<p>${texts.about}</p>
${page.passkeys.length === 0 ? html`<p class="note">${texts.none}</p>` : list}
${page.question !== undefined && addForm(visit, page, page.question)}`,
  });
}

function row(visit: AccountVisit, { id, name, isBackedUp, createdAtMs, lastUsedAtMs }: Passkey): Part {
  const { passkeys: texts } = visit.texts.account;
  const used = lastUsedAtMs == null ? texts.unused : html`${texts.used} ${timeOf(visit, lastUsedAtMs)}`;
  const rename = `${PATH}?${new URLSearchParams({ rename: id })}`;
  return html`<li><div><strong>${name}</strong>
<p class="small">${texts.added} ${timeOf(visit, createdAtMs)} · ${used}${isBackedUp && ` · ${texts.isBackedUp}`}</p>
<p class="small"><a href="${rename}" aria-label="${texts.rename}: ${name}">${texts.rename}</a></p></div>
<form method="post" action="${PATH}">
${hidden({ token: visit.token, id })}<button type="submit" class="danger" name="action" value="delete" aria-label="${texts.remove}: ${name}">${texts.remove}</button>
</form></li>
`;
}

function addForm(visit: AccountVisit, { name, refusal }: PasskeysPage, { options }: Question): Part {
  const { passkeys: texts } = visit.texts.account;
  return html`<h2>${texts.another}</h2>
<p class="note" data-without-passkeys>${texts.missing}</p>
<form method="post" action="${PATH}" data-passkey="create" data-options="${options}" hidden>
${hidden({ token: visit.token, action: 'add', credential: '' })}${nameField(visit, name, refusal)}<p role="alert" data-failed hidden>${texts.failed}</p>
<p class="actions"><button type="submit">${texts.add}</button></p>
</form>`;
}

/** A form for another name of one of them. */
export function renamePage(visit: AccountVisit, { id, name }: Pick<Passkey, 'id' | 'name'>, refusal?: Refusal): Page {
  const { passkeys: texts } = visit.texts.account;
  return accountLayout(visit, 'passkeys', {
    title: texts.renameTitle,
    problem: refusal?.problem,
    body: html`<form method="post" action="${PATH}">
${hidden({ token: visit.token, id })}${nameField(visit, name, refusal)}<p class="actions"><button type="submit" name="action" value="rename">${texts.save}</button></p>
</form>
<p class="small"><a href="${PATH}">${texts.cancel}</a></p>`,
  });
}

function nameField({ texts }: AccountVisit, value: string, refusal: Refusal | undefined): Part {
  const { name: label, nameHint: hint } = texts.account.passkeys;
  const problem = refusal?.fields.name;
  const first = { isFirst: problem !== undefined, autocomplete: 'off' };
  return field({ name: 'name', label, hint, value, maxLength: MAX_NAME, problem, ...first });
}
