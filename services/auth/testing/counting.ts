import type { Passwords } from '../accounts/passwords.ts';

/** Counts how often a password is hashed or verified. */
export function counting(passwords: Passwords): { passwords: Passwords; hashes: () => number } {
  let count = 0;
  return {
    hashes: () => count,
    passwords: {
      ...passwords,
      hash(...args) {
        count += 1;
        return passwords.hash(...args);
      },
      verify(...args) {
        count += 1;
        return passwords.verify(...args);
      },
    },
  };
}
