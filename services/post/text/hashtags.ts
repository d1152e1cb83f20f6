import { countCharacters } from '#kit/validate.ts';
import { endOfWord, isWord } from './characters.ts';

/** In characters, of what is written and of what it means. */
export const MAX_TAG_CHARACTERS = 100;

/** Between letters they choose how these are joined, as Persian and the scripts of India need it. */
const JOINERS = '\u200c\u200d';
const LETTER = /\p{L}/u;
/** What has no place in a tag: some letters are made of others with spaces and signs between. */
const NO_TAG = /[^\p{L}\p{N}\p{M}_]|\p{Default_Ignorable_Code_Point}/gu;

/** Where the tag that begins at this place, behind its "#", ends; the place itself when there is none. */
export function endOfTag(text: string, from: number): number {
  if (!isWord(text, from)) return from;
  let end = endOfWord(text, from);
  while (JOINERS.includes(text.charAt(end) || ' ') && isWord(text, end + 1)) end = endOfWord(text, end + 1);
  return end;
}

/**
 * What a tag means: two that look alike, or differ in case only, are the same.
 * @param written without its "#"
 * @returns undefined for what is no tag: without a letter, or too long
 */
export function normalizeTag(written: string): string | undefined {
  // Each character of a tag is at most two units of UTF-16.
  if (written.length > 2 * MAX_TAG_CHARACTERS || countCharacters(written) > MAX_TAG_CHARACTERS) return undefined;
  const folded = written.replaceAll(NO_TAG, '').normalize('NFKC').toLowerCase();
  const tag = folded.normalize('NFKC').replaceAll(NO_TAG, '').normalize('NFKC');
  return LETTER.test(tag) && countCharacters(tag) <= MAX_TAG_CHARACTERS ? tag : undefined;
}
