/** What could be taken for OXO itself, for whoever runs it, or for a part of an address. */
const WORDS =
  `about abuse account accounts admin administrator admins all anonymous api app apps auth billing blog bot careers contact copyright customer
  deleted dev developer developers docs email everyone everybody feed following followers help helpdesk here home hostmaster info jobs legal login logout
  mail mailer media mod moderation moderator moderators mods news newsletter nobody noreply notification notifications null oauth official oxo password payment payments
  post postmaster posts press privacy root safety sales search security service services settings signin signout signup staff status
  suggest superuser support sysadmin system team terms trust undefined unknown user username users verified verify webmaster welcome www`
    .split(/\s+/)
    .filter((word) => word !== '');
const RESERVED: ReadonlySet<string> = new Set(
  [...WORDS, ...WORDS.flatMap((word) => [`oxo${word}`, `${word}oxo`, `the${word}`])].map(fold),
);

/** Digits that are read as letters. */
const LOOKALIKES: Readonly<Record<string, string>> = { 0: 'o', 1: 'l', 3: 'e', 4: 'a', 5: 's', 7: 't' };

/** Whether nobody can have this handle, also when it is written with other signs that look the same: `adm1n`, `sup_port`. */
export function isReservedHandle(handle: string): boolean {
  return RESERVED.has(fold(handle));
}

/** `i` and `l` count as one, as a 1 stands for both. */
function fold(handle: string): string {
  return handle
    .replaceAll('_', '')
    .replace(/[013457]/g, (digit) => LOOKALIKES[digit] ?? digit)
    .replaceAll('i', 'l');
}
