import { countCharacters } from '#kit/validate.ts';
import { isMark, isWord, isWordOrMark } from './characters.ts';
import { endOfTag, normalizeTag } from './hashtags.ts';
import { endOfScheme, endOfUrlRun, isLink, withoutEndPunctuation } from './links.ts';

/** Of each kind. */
export const MAX_OF_A_KIND = 50;

/** What a text names, and where: in code points, the end exclusive. */
export interface Found {
  kind: 'mention' | 'hashtag' | 'link';
  start: number;
  end: number;
  /** The handle in lower case, the tag as it is found by, the URL as it is written. */
  value: string;
}

/**
 * What stands before a place: part of a word, a sign that an e-mail address could have between a word and its "@", a dot that such
 * a sign could follow, or none of these.
 */
type Before = 'word' | 'attached' | 'dotted' | 'free';

/** What begins at a place. Without a value it is nothing, and nothing within it is anything. */
interface Match {
  kind: Found['kind'];
  /** Behind it, in the text's own units. */
  endIndex: number;
  value: string | undefined;
}

const MARKERS = /[@#\uff03]|:\/\//;
const HANDLE = /[A-Za-z0-9_]+/y;
const HANDLE_LENGTHS = { min: 3, max: 30 };
/** With letters and digits, what a local part may be of. */
const ADDRESS_SIGNS = "!#$%&'*+/=?^`{|}~-";
/** Of an address without a scheme, of an HTML entity, or of another "#". */
const NOT_BEFORE_HASH = '&/=#\uff03@';
const ENCLOSING_KEYCAP = 0x20e3;
const ZERO_WIDTH_JOINERS = '\u200c\u200d';
const SCHEME_CHARACTER = /[A-Za-z0-9+.-]/;
const NOT_BEFORE_SCHEME = /[A-Za-z0-9_+.@#$-]/;

/**
 * What a text names, in its order; mentions are not looked up yet. Every stretch of the text is read a fixed number of times.
 * @param text without lone surrogates
 */
export function scan(text: string): Found[] {
  if (!MARKERS.test(text)) return [];
  const found: Found[] = [];
  const left = { mention: MAX_OF_A_KIND, hashtag: MAX_OF_A_KIND, link: MAX_OF_A_KIND };
  let before: Before = 'free';
  let position = 0;
  for (let index = 0; index < text.length; ) {
    const match = matchAt(text, index, before);
    if (match === undefined) {
      before = afterCharacter(text, index, before);
      index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
      position += 1;
      continue;
    }
    const { kind, endIndex, value } = match;
    const start = position;
    position += countCharacters(text.slice(index, endIndex));
    if (value !== undefined && left[kind] > 0) {
      left[kind] -= 1;
      found.push({ kind, start, end: position, value });
    }
    index = endIndex;
    before = 'word';
  }
  return found;
}

function matchAt(text: string, index: number, before: Before): Match | undefined {
  switch (text[index]) {
    case '@':
      return before === 'free' || before === 'dotted' ? mentionAt(text, index) : undefined;
    case '#':
    case '\uff03':
      return before === 'word' ? undefined : hashtagAt(text, index);
    case 'h':
    case 'H':
      return linkAt(text, index);
    case ':':
      return otherUrlAt(text, index);
    default:
      return undefined;
  }
}

function mentionAt(text: string, index: number): Match | undefined {
  HANDLE.lastIndex = index + 1;
  const handle = HANDLE.exec(text)?.[0] ?? '';
  if (handle.length < HANDLE_LENGTHS.min || handle.length > HANDLE_LENGTHS.max) return undefined;
  const endIndex = index + 1 + handle.length;
  const next = text[endIndex];
  const goesOn = next === '@' || isWordOrMark(text, endIndex);
  const isHost = (next === '.' || next === '-') && isWord(text, endIndex + 1);
  return goesOn || isHost ? undefined : { kind: 'mention', endIndex, value: handle.toLowerCase() };
}

function hashtagAt(text: string, index: number): Match | undefined {
  if (index > 0 && NOT_BEFORE_HASH.includes(text.charAt(index - 1))) return undefined;
  const endIndex = endOfTag(text, index + 1);
  if (endIndex === index + 1) return undefined;
  return { kind: 'hashtag', endIndex, value: normalizeTag(text.slice(index + 1, endIndex)) };
}

function linkAt(text: string, index: number): Match | undefined {
  const schemeEnd = endOfScheme(text, index);
  if (schemeEnd === index || (index > 0 && NOT_BEFORE_SCHEME.test(text.charAt(index - 1)))) return undefined;
  const runEnd = endOfUrlRun(text, schemeEnd);
  const url = withoutEndPunctuation(text.slice(index, runEnd));
  if (!isLink(url)) return { kind: 'link', endIndex: runEnd, value: undefined };
  return { kind: 'link', endIndex: index + url.length, value: url };
}

/** What follows another scheme is no link, and what is in it no mention or hashtag. */
function otherUrlAt(text: string, index: number): Match | undefined {
  const isUrl = text.startsWith('://', index) && index > 0 && SCHEME_CHARACTER.test(text.charAt(index - 1));
  return isUrl ? { kind: 'link', endIndex: endOfUrlRun(text, index), value: undefined } : undefined;
}

/** What stands before the place behind a character that begins nothing. */
function afterCharacter(text: string, index: number, before: Before): Before {
  const character = text.charAt(index);
  if (character === '@' || isWord(text, index)) return 'word';
  if (character === '.') return before === 'free' ? 'free' : 'dotted';
  if (ADDRESS_SIGNS.includes(character)) return before === 'free' ? 'free' : 'attached';
  if (text.charCodeAt(index) === ENCLOSING_KEYCAP) return 'free';
  return ZERO_WIDTH_JOINERS.includes(character) || isMark(text, index) ? before : 'free';
}
