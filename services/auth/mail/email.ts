import { domainToASCII } from 'node:url';

/** RFC 5321: a path is at most 256 bytes with its two brackets. */
export const MAX_EMAIL_BYTES = 254;
const MAX_LOCAL_PART_BYTES = 64;
/** Letters, digits and what RFC 5322 allows beside them, other scripts included; dots only between. */
const LOCAL_PART = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
/** What may be converted to ASCII; the converter itself would also take escapes, ports and paths. */
const ANY_SCRIPT_DOMAIN = /^[\p{L}\p{M}\p{N}.-]+$/u;
const DOMAIN = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/;

/**
 * An email address in the form in which two spellings of one address are equal: trimmed, in lower case, its domain in ASCII.
 * @returns undefined when it is no email address of at most 254 bytes
 */
export function normaliseEmail(text: string): string | undefined {
  // Bounds the work below; a domain can only get longer by its ASCII form.
  if (Buffer.byteLength(text) > MAX_EMAIL_BYTES) return undefined;
  const address = text.trim().normalize('NFC').toLowerCase();
  const at = address.lastIndexOf('@');
  const localPart = address.slice(0, Math.max(at, 0));
  const typedDomain = address.slice(at + 1);
  const domain = ANY_SCRIPT_DOMAIN.test(typedDomain) ? domainToASCII(typedDomain) : '';
  const email = `${localPart}@${domain}`;
  const valid =
    LOCAL_PART.test(localPart) &&
    Buffer.byteLength(localPart) <= MAX_LOCAL_PART_BYTES &&
    DOMAIN.test(domain) &&
    Buffer.byteLength(email) <= MAX_EMAIL_BYTES;
  return valid ? email : undefined;
}
