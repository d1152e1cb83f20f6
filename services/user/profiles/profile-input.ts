import { z } from 'zod';
import { text } from '#kit/validate.ts';

/** Limits of a profile's fields, as their contract states them. */
export const displayName = () => text({ maxCharacters: 60, maxBytes: 240, visible: true, oneLine: true });
/** Limits of a bio, as its contract states them. */
export const bio = () => text({ maxCharacters: 500, maxBytes: 2_000 });
/** Limits of a place, as its contract states them. */
export const location = () => text({ maxCharacters: 60, maxBytes: 240, oneLine: true });

const HANDLE = /^[a-z0-9_]{3,30}$/;
const HANDLE_OF_ANY_CASE = /^[A-Za-z0-9_]{3,30}$/;
const MAX_LOCALE_CHARACTERS = 35;
const MAX_LINKS = 5;
const MAX_LINK_BYTES = 300;
/** A URL parser would silently drop or encode them. */
const SPACE_OR_CONTROL = /[\s\p{Cc}]/u;

/** A handle that is to be taken. */
export function handle() {
  return z.string().regex(HANDLE, 'must be 3 to 30 of a-z, 0-9 and _');
}

/** The handle in its one form, by which it is looked up; undefined when nobody can have it. */
export function normalizeHandle(value: string): string | undefined {
  return HANDLE_OF_ANY_CASE.test(value) ? value.toLowerCase() : undefined;
}

/** A BCP 47 language tag, or nothing. */
export function locale() {
  return z.string().refine((value) => value === '' || isLanguageTag(value), {
    error: `must be a BCP 47 language tag of at most ${MAX_LOCALE_CHARACTERS} characters`,
  });
}

function isLanguageTag(value: string): boolean {
  if (value.length > MAX_LOCALE_CHARACTERS) return false;
  try {
    return Intl.getCanonicalLocales(value).length === 1;
  } catch {
    return false;
  }
}

/** Links: each wrong one is named, unless there are too many to look at. */
export function links() {
  return z.array(z.unknown()).transform((values, context): string[] => {
    const report = (message: string, path: number[]) =>
      context.issues.push({ code: 'custom', message, path, input: values });
    if (values.length > MAX_LINKS) report(`must be at most ${MAX_LINKS}`, []);
    else {
      for (const [index, value] of values.entries()) {
        const problem = problemOfLink(value);
        if (problem !== undefined) report(problem, [index]);
      }
    }
    return values as string[];
  });
}

function problemOfLink(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a string';
  if (Buffer.byteLength(value) > MAX_LINK_BYTES) return `must be at most ${MAX_LINK_BYTES} bytes of UTF-8`;
  if (SPACE_OR_CONTROL.test(value)) return 'must not contain white space or control characters';
  const url = URL.parse(value);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return 'must be an http or https URL';
  // It would show one name and lead to another, or give a password away.
  if (url.username !== '' || url.password !== '') return 'must not contain a user name or a password';
  return undefined;
}
