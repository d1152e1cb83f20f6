/**
 * Keeps credentials, addresses and what people wrote out of logs, spans and dead-letter reasons.
 */
const SECRET_KEY = /(password|token|authorization|secret|email|cookie|api_?key|otp|recovery_?codes?|challenge)$/i;
/** What people are called and what they write. */
const PERSONAL_KEY = /^(ip|handle|displayName|bio|text)$/i;
/** Ids of keys are as long as tokens, and public. */
const KEY_IDS = /kids?$/i;
const REDACTED = '[redacted]';
const MAX_DEPTH = 5;

/** Also of letters beyond ASCII, and as it stands in a URL. */
const EMAIL =
  /[^\s@<>"'`(),;:=&?[\]{}|\\/]{1,64}(?:@|%40)[^\s@<>"'`(),;:=&?[\]{}|\\/]{1,255}\.[^\s@<>"'`(),;:=&?[\]{}|\\/.]{2,}/giu;
const JWT = /eyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;
const API_KEY = /oxo_[0-9a-f]{32}_[\w-]+/gi;
/** Tokens are random: so long and with digits. A UUID is shorter, a name in a stack has no digits. */
const OPAQUE = /(?=[\w-]*\d)[\w-]{40,}/g;
/** What Postgres calls data exceptions quotes the value that it could not take. */
const DATA_EXCEPTION = /^22[0-9A-Z]{3}$/;
const QUOTED = /".*"/s;

/** The same text without email addresses, JWTs, API keys and opaque tokens. For messages that come from libraries and may quote their input. */
export function scrubText(text: string): string {
  const named = text.includes('@') || text.includes('%40') ? text.replace(EMAIL, REDACTED) : text;
  return named.replace(JWT, REDACTED).replace(API_KEY, REDACTED).replace(OPAQUE, REDACTED);
}

/** What may be said of an error anywhere: its message, scrubbed, without the value that a database quotes. */
export function safeMessage(error: unknown): string {
  if (!(error instanceof Error)) return scrubText(String(error));
  return scrubText(isDataException(error) ? error.message.replace(QUOTED, `"${REDACTED}"`) : error.message);
}

/** The stack, which begins with the message, as safe as that. */
export function safeStack(error: Error): string {
  const { message, stack = '' } = error;
  return scrubText(message === '' ? stack : stack.replace(message, () => safeMessage(error)));
}

function isDataException(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && DATA_EXCEPTION.test(error.code);
}

/**
 * The value with what stands under a secret key (password, token, authorization, secret, email, cookie, API key, …; also as the end
 * of a longer key) replaced, and texts scrubbed. Looks five levels deep; gives the value itself back when nothing was found, so the
 * usual log line costs no copy. For an operator who asks for one thing and must see what it says.
 */
export function redactSecrets<T>(value: T): T {
  return redact(value, isSecret, 0);
}

/** The same without what is personal either: handles, names, texts, addresses of clients. For what is kept, as logs are. */
export function redactForLog<T>(value: T): T {
  return redact(value, isSecretOrPersonal, 0);
}

const isSecret = (key: string): boolean => SECRET_KEY.test(key);
const isSecretOrPersonal = (key: string): boolean => SECRET_KEY.test(key) || PERSONAL_KEY.test(key);

function redact<T>(value: T, isHidden: (key: string) => boolean, depth: number): T {
  if (typeof value === 'string') return scrubText(value) as T;
  if (depth > MAX_DEPTH || value === null || typeof value !== 'object' || value instanceof Error) return value;
  if (ArrayBuffer.isView(value) || value instanceof Date) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [key, item] of Object.entries(value)) {
    if (KEY_IDS.test(key) || item == null || item === '') continue;
    const safe = isHidden(key) ? REDACTED : redact(item, isHidden, depth + 1);
    if (safe === item) continue;
    copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    copy[key] = safe;
  }
  return (copy ?? value) as T;
}
