import { createHash, randomInt } from 'node:crypto';

/** So many an account has at most. */
const RECOVERY_CODES = 10;
/** Crockford's base32: nothing that is taken for something else on paper. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** 80 bits: too many to be found from a hash, so that it may be a fast one. */
const CHARACTERS = 16;
const GROUP = 4;

/** Ten codes, such as "7h2k-9x4m-q0vd-3n8r". */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, newCode);
}

function newCode(): string {
  const characters = Array.from({ length: CHARACTERS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return (characters.match(new RegExp(`.{${GROUP}}`, 'g')) ?? []).join('-');
}

/** What was typed as a code, without what does not count: spaces, hyphens, and letters that look like digits. */
export function normaliseCode(text: string): string {
  return text.replace(/[\s-]/g, '').toLowerCase().replaceAll('o', '0').replace(/[il]/g, '1');
}

/** Whether a normalised code can be a recovery code; else it is of an app. */
export function looksLikeRecoveryCode(code: string): boolean {
  return code.length === CHARACTERS;
}

/** What is kept of a normalised code. With the account in it, equal codes of two accounts are not seen to be equal. */
export function hashOfCode(accountId: string, code: string): Buffer {
  return createHash('sha256').update(`oxo recovery code\0${accountId}\0${code}`).digest();
}
