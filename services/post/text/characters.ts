/**
 * Questions about a place in a text. Each looks from one place on and goes no further than it answers, so whoever never asks twice
 * about the same stretch reads a text in time that grows with its length.
 */

const WORD = /[\p{L}\p{N}_]/uy;
const WORD_OR_MARK = /[\p{L}\p{N}\p{M}_]/uy;
const WORDS_AND_MARKS = /[\p{L}\p{N}\p{M}_]+/uy;
const MARK = /\p{M}/uy;

function isAt(pattern: RegExp, text: string, index: number): boolean {
  pattern.lastIndex = index;
  return pattern.test(text);
}

/** Where what the sticky pattern finds at this place ends: the place itself when it finds nothing there. */
export function endOf(pattern: RegExp, text: string, index: number): number {
  return isAt(pattern, text, index) ? pattern.lastIndex : index;
}

/** A letter, a number or "_". */
export const isWord = (text: string, index: number): boolean => isAt(WORD, text, index);
/** Also what stands above or below a letter. */
export const isWordOrMark = (text: string, index: number): boolean => isAt(WORD_OR_MARK, text, index);
/** What belongs to the character before it, such as an accent of its own. */
export const isMark = (text: string, index: number): boolean => isAt(MARK, text, index);
/** Where the letters, numbers, marks and "_" that begin here end. */
export const endOfWord = (text: string, index: number): number => endOf(WORDS_AND_MARKS, text, index);
