/** HTML that is made here. Nothing else goes into a page without being escaped. */
export interface Html {
  readonly [MARKUP]: string;
}

/** What may stand between tags and in quoted attributes; lists are joined, `undefined` and `false` are nothing. */
export type Part = string | number | Html | readonly Part[] | undefined | false;

const MARKUP = Symbol('markup');
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A piece of HTML: every part is escaped but other pieces. Attributes must be quoted, and nothing may be put into scripts or styles.
 * @example html`<p title="${title}">${name}</p>`
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { [MARKUP]: strings.map((text, index) => text + markupOf(parts[index])).join('') };
}

/** The text of a piece. */
export function render(piece: Html): string {
  return piece[MARKUP];
}

function markupOf(part: Part): string {
  if (part === undefined || part === false) return '';
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return part.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
  return isHtml(part) ? part[MARKUP] : part.map(markupOf).join('');
}

function isHtml(part: Html | readonly Part[]): part is Html {
  return MARKUP in part;
}
