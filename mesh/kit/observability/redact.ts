/**
 * Keeps credentials and addresses of people out of logs, spans and dead-letter reasons.
 */
const SECRET_KEY = /(password|token|authorization|secret|email|cookie|api_?key)$/i;
const REDACTED = '[redacted]';
const MAX_DEPTH = 5;

const EMAIL = /[\w.%+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/gi;
const JWT = /eyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;

/** The same text without email addresses and JWTs. For messages that come from libraries and may quote their input. */
export function scrubText(text: string): string {
  return text.replace(EMAIL, REDACTED).replace(JWT, REDACTED);
}

/**
 * The value with what stands under a secret key (password, token, authorization, secret, email, cookie, API key; also as the end
 * of a longer key) replaced. Looks five levels deep; gives the value itself back when nothing was found, so the usual log line costs no copy.
 */
export function redactSecrets<T>(value: T, depth = 0): T {
  if (depth > MAX_DEPTH || value === null || typeof value !== 'object' || value instanceof Error) return value;
  if (ArrayBuffer.isView(value) || value instanceof Date) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [key, item] of Object.entries(value)) {
    const safe = SECRET_KEY.test(key) && item != null && item !== '' ? REDACTED : redactSecrets(item, depth + 1);
    if (safe === item) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    copy[key] = safe;
  }
  return (copy ?? value) as T;
}
