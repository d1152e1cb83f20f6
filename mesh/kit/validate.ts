import { z } from 'zod';
import { invalidFields } from '#kit/errors.ts';
import { viewerOf, type WithCaller } from '#kit/identity/caller.ts';
import { isId } from '#kit/ids.ts';

/**
 * Checks a request and gives it back typed. Unknown fields are left out.
 * @throws OxoError VALIDATION_FAILED with all violations at once
 */
export function validate<Schema extends z.ZodType>(schema: Schema, request: unknown): z.infer<Schema> {
  const result = schema.safeParse(request);
  if (result.success) return result.data;
  throw invalidFields(
    result.error.issues.map((issue) => ({ field: issue.path.map(String).join('.'), description: issue.message })),
  );
}

/** Number of code points, which is what people count as characters. */
export function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

const NOTHING_TO_SEE = 'must have a character that can be seen';

export interface TextLimits {
  minCharacters?: number;
  maxCharacters: number;
  maxBytes: number;
  /** Text that may be empty must have something that can be seen when it is not. */
  visible?: boolean;
  /** No control characters, line ends among them, and none that make what follows run the other way: what is shown within a line of other text. */
  oneLine?: boolean;
}

/**
 * Neither white space nor what shows nothing: what Unicode tells programs to show nothing for, such as the zero-width space U+200B and
 * the marks of writing direction; control characters; the empty pattern of Braille.
 */
const VISIBLE = /[^\s\p{Default_Ignorable_Code_Point}\p{Cc}\u2800\ufff9-\ufffb]/u;

/** Marks of direction (U+200E, U+200F, U+061C) are not among them: names in Arabic and Hebrew have them, and they turn nothing around. */
const NOT_IN_LINE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/**
 * Text with limits in characters (code points) and in bytes of UTF-8; without U+0000, which Postgres cannot store. Text that must not
 * be empty must have something that can be seen.
 */
export function text(limits: TextLimits) {
  const { minCharacters = 0, maxCharacters, maxBytes, visible = minCharacters > 0, oneLine = false } = limits;
  return z.string().superRefine((value, context) => {
    const report = (message: string) => context.addIssue({ code: 'custom', message });
    if (value.includes('\u0000')) return report('must not contain U+0000');
    // The byte length bounds the work of counting characters.
    if (Buffer.byteLength(value) > maxBytes) return report(`must be at most ${maxBytes} bytes of UTF-8`);
    const characters = countCharacters(value);
    if (characters > maxCharacters) return report(`must be at most ${maxCharacters} characters`);
    if (characters < minCharacters)
      return report(minCharacters === 1 ? 'must not be empty' : `must be at least ${minCharacters} characters`);
    if (visible && value !== '' && !VISIBLE.test(value))
      return report(value.trim() === '' ? 'must not be only white space' : NOTHING_TO_SEE);
    if (oneLine && NOT_IN_LINE.test(value))
      return report('must not contain line ends, control characters or overrides of the writing direction');
  });
}

/** What is said of a text that is no id. */
export const NO_ID = 'must be an id (a UUID in lower case)';

/** An id: a UUID in lower case. */
export function id() {
  return z.string().refine(isId, NO_ID);
}

/** Many ids, checked as a whole: an object for each of thousands would cost more than the work that follows. */
export function ids(limits: { min?: number; max: number }) {
  const { min = 0, max } = limits;
  return z.custom<string[]>(Array.isArray).superRefine((values, context) => {
    const report = (message: string, path: number[] = []) => context.addIssue({ code: 'custom', message, path });
    if (values.length < min) report(min === 1 ? 'must not be empty' : `must be at least ${min}`);
    if (values.length > max) report(`must be at most ${max}`);
    const wrong = values.findIndex((value) => !isId(value));
    if (wrong >= 0) report(NO_ID, [wrong]);
  });
}

/** A user id, or "me"; `resolveMe` makes an id of it. */
export function idOrMe() {
  return z.string().refine((value) => value === 'me' || isId(value), 'must be an id or "me"');
}

/**
 * The user id that stands in a field of `idOrMe`: "me" becomes the caller's own.
 * @param field its name, as in JSON
 * @throws OxoError VALIDATION_FAILED for "me" without a caller
 */
export function resolveMe(context: WithCaller, field: string, value: string): string {
  if (value !== 'me') return value;
  const viewer = viewerOf(context);
  if (viewer === undefined) throw invalidFields([{ field, description: 'must be an id ("me" needs a token)' }]);
  return viewer.userId;
}

/**
 * The fields `pageSize` and `pageToken` of a list, by AIP-158: size 0 means the default, too many means the maximum, a negative
 * one is refused. `openPage` says whether the token is one of this list.
 * @example `z.object({ userId: id(), ...pageFields({ default: 20, max: 100 }) })`
 */
export function pageFields(sizes: { default: number; max: number }) {
  return {
    pageSize: z
      .number()
      .int()
      .min(0, 'must not be negative')
      .transform((value) => (value === 0 ? sizes.default : Math.min(value, sizes.max))),
    pageToken: z.string().max(512, 'must be at most 512 characters'),
  };
}

/** One of the values of a Protobuf enum except the unspecified 0. */
export function enumValue<Value extends number>(values: Record<string, Value>) {
  const allowed = new Map(Object.entries(values).filter(([, value]) => value > 0));
  const known = new Set(allowed.values());
  return z
    .number()
    .refine((value): value is Value => known.has(value as Value), `must be one of ${[...allowed.keys()].join(', ')}`);
}
