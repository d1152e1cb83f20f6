import { html, type Part } from './html.ts';

/** A field of a form, with its label, and what is said about it tied to it. */
export interface Field {
  /** Also its id. */
  name: string;
  label: string;
  type?: 'text' | 'password' | 'email' | 'url' | undefined;
  value?: string | undefined;
  /** What it may be. */
  hint?: string | undefined;
  /** What is wrong with what was sent. */
  problem?: string | undefined;
  /** Id of something else on the page that tells what is wrong with it. */
  problemId?: string | undefined;
  isOptional?: boolean | undefined;
  maxLength: number;
  autocomplete: string;
  /** Lines of a text that may have several; one when absent. */
  lines?: number | undefined;
  /** Where the cursor is when the page is shown. At most one of a page. */
  isFirst?: boolean | undefined;
  /** Neither corrected nor begun with a capital: what is spelt exactly. */
  isExact?: boolean | undefined;
}

export function field(options: Field): Part {
  const { name, label, type = 'text', value = '', hint, problem, problemId, isOptional = false, lines = 1 } = options;
  const ids = [hint && `${name}-hint`, problemId, problem && `${name}-problem`].filter((id) => id !== undefined);
  const isWrong = problem !== undefined || problemId !== undefined;
  const names = html`id="${name}" name="${name}"`;
  const rest = html`${!isOptional && html` required`} maxlength="${options.maxLength}" autocomplete="${options.autocomplete}"${options.isExact && html` autocapitalize="none" spellcheck="false"`}${isWrong && html` aria-invalid="true"`}${ids.length > 0 && html` aria-describedby="${ids.join(' ')}"`}${options.isFirst && html` autofocus`}`;
  const text = value.slice(0, options.maxLength);
  // A line break that begins a textarea is not part of its text.
  const input =
    lines > 1
      ? html`<textarea rows="${lines}" ${names}${rest}>
${text}</textarea>`
      : html`<input type="${type}" ${names}${type !== 'password' && html` value="${text}"`}${rest}>`;
  return html`<div class="field"><label for="${name}">${label}</label>
${
  hint !== undefined &&
  html`<span class="hint" id="${name}-hint">${hint}</span>
`
}${input}${
  problem !== undefined &&
  html`
<span class="wrong" id="${name}-problem">${problem}</span>`
}</div>
`;
}

/** A box that can be ticked. @param choice.detail stands below its label, small */
export function choice(choice: {
  name: string;
  value: string;
  label: string;
  detail?: Part;
  isChecked: boolean;
  /** Ticked for good: it is sent by a hidden field beside it. */
  isFixed?: boolean;
}): Part {
  const { name, value, label, detail, isChecked, isFixed = false } = choice;
  const id = `${name}-${value.replace(/[^\w-]/g, '-')}`;
  const box = isFixed
    ? html`<input type="checkbox" id="${id}" checked disabled>`
    : html`<input type="checkbox" id="${id}" name="${name}" value="${value}"${isChecked && html` checked`}>`;
  return html`<div class="choice">${box}
<label for="${id}">${label}${detail !== undefined && html`<span class="hint">${detail}</span>`}</label></div>
${isFixed && hidden({ [name]: value })}`;
}

/** What went wrong, read out by screen readers at once; nothing when nothing did. */
export function alertOf(message: Part): Part {
  return message === undefined
    ? undefined
    : html`<p role="alert" id="problem">${message}</p>
`;
}

/** What was done, read out when there is time. */
export function statusOf(message: Part): Part {
  return message === undefined
    ? undefined
    : html`<p role="status">${message}</p>
`;
}

/** Fields that nobody sees. */
export function hidden(fields: Readonly<Record<string, string>>): Part {
  return Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">
`,
  );
}
