import { countCharacters } from '#kit/validate.ts';
import { endOf } from './characters.ts';

const MAX_LINK_CHARACTERS = 2_048;

const SCHEME = /https?:\/\//iy;
/** Up to white space, controls, what turns the direction of text, quotation marks, and the brackets and stops of other scripts. */
const URL_RUN =
  /[^\s\p{Cc}\p{Bidi_Control}\u200b\ufeff<>"`\\‘’‚“”„«»‹›〈〉《》「」『』【】〔〕（）［］｛｝、。，．！？：；…]+/uy;
const END_PUNCTUATION = ".,:;!?'*_~";
const OPENING: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** Where "http://" or "https://" that begins at this place ends; the place itself when it does not. */
export function endOfScheme(text: string, index: number): number {
  return endOf(SCHEME, text, index);
}

/** Where the characters that could belong to a URL end. */
export function endOfUrlRun(text: string, index: number): number {
  return endOf(URL_RUN, text, index);
}

/** The URL without what ends the sentence around it: punctuation, and brackets that it has not opened itself. */
export function withoutEndPunctuation(run: string): string {
  const counts = new Map<string, number>();
  for (const character of run) {
    if ('()[]{}'.includes(character)) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  let end = run.length;
  for (; end > 0; end -= 1) {
    const last = run.charAt(end - 1);
    if (END_PUNCTUATION.includes(last)) continue;
    const opening = OPENING[last];
    const closed = counts.get(last) ?? 0;
    if (opening === undefined || closed <= (counts.get(opening) ?? 0)) break;
    counts.set(last, closed - 1);
  }
  return run.slice(0, end);
}

/** Whether it leads to a host of the Internet, and says so: a name before an "@" would look like one. */
export function isLink(url: string): boolean {
  if (url.length > 2 * MAX_LINK_CHARACTERS || countCharacters(url) > MAX_LINK_CHARACTERS) return false;
  const parsed = URL.parse(url);
  if (parsed === null || parsed.username !== '' || parsed.password !== '') return false;
  return /.\../.test(parsed.hostname) || parsed.hostname.startsWith('[');
}
