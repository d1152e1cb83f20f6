import { readFileSync } from 'node:fs';

/** Lower-case; one a line. Shorter ones are refused by their length. */
const COMMON_PASSWORDS = new Set(
  readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('# ')),
);
/** Words whose decoration with digits and signs is the first thing that is tried. */
const COMMON_WORDS = new Set(
  'password passw0rd p@ssword p@ssw0rd passwort pass qwerty qwertyuiop azerty letmein welcome iloveyou admin administrator \
changeme secret football baseball superman batman starwars pokemon sunshine princess monkey dragon master login test user'.split(
    ' ',
  ),
);
/** Rows of keyboards, the alphabet and the digits; read in both directions, they go on where they end. */
const SEQUENCES = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'qwertyuiopasdfghjklzxcvbnm', '1q2w3e4r5t6y7u8i9o0p'];
const MAX_REPEATED_CHARACTERS = 4;
/** Longer ones are refused by their length; the checks need not look at them. */
const MAX_LENGTH = 1_024;

/** What is said of passwords that would be guessed at once. */
export const WEAKNESSES = {
  COMMON: 'must not be one of the most common passwords',
  REPETITION: 'must not repeat a few characters',
  SEQUENCE: 'must not be a sequence of neighbouring characters',
  OWN_NAME: 'must not be the handle or the email address',
} as const;

/** What a password must not be. */
export interface PasswordOwner {
  handle: string;
  email: string;
}

/**
 * Why a password would be guessed at once.
 * @returns undefined when nothing speaks against it
 */
export function weaknessOf(password: string, owner: PasswordOwner): string | undefined {
  if (password.length > MAX_LENGTH) return undefined;
  const folded = password.normalize('NFKC').toLowerCase().trim();
  if (isCommon(folded)) return WEAKNESSES.COMMON;
  if (isRepetition(folded)) return WEAKNESSES.REPETITION;
  if (isSequence(folded)) return WEAKNESSES.SEQUENCE;
  if (namesOf(owner).includes(folded)) return WEAKNESSES.OWN_NAME;
  return undefined;
}

function isCommon(folded: string): boolean {
  const core = folded.replace(/[^\p{L}]+$/u, '').replace(/^[^\p{L}]+/u, '');
  return COMMON_PASSWORDS.has(folded) || COMMON_WORDS.has(core);
}

function isRepetition(folded: string): boolean {
  for (let length = 1; length <= MAX_REPEATED_CHARACTERS; length += 1) {
    const unit = folded.slice(0, length);
    if (unit.repeat(Math.ceil(folded.length / length)).slice(0, folded.length) === folded) return true;
  }
  return false;
}

function isSequence(folded: string): boolean {
  return SEQUENCES.some((sequence) => {
    const around = sequence.repeat(Math.ceil(folded.length / sequence.length) + 1);
    return around.includes(folded) || [...around].reverse().join('').includes(folded);
  });
}

function namesOf({ handle, email }: PasswordOwner): string[] {
  const address = email.trim().toLowerCase();
  return [handle.toLowerCase(), address, address.slice(0, Math.max(address.lastIndexOf('@'), 0))];
}
