import type { FileRegistry } from '@bufbuild/protobuf';
import { commentOf } from './comments.ts';
import type { HttpRule, Rpc } from './contracts.ts';
import type { Json } from './example-values.ts';

/** One of the closed list of reasons, as its comment in the contracts has it. */
export interface ErrorReason {
  name: string;
  /** gRPC's number. */
  code: number;
  httpStatus: number;
  /** What it means, a sentence. */
  meaning: string;
}

/** gRPC's codes, with the HTTP status that is each one's standard mapping. */
export const CODES: Readonly<Record<string, readonly [code: number, httpStatus: number]>> = {
  CANCELLED: [1, 499],
  INVALID_ARGUMENT: [3, 400],
  DEADLINE_EXCEEDED: [4, 504],
  NOT_FOUND: [5, 404],
  ALREADY_EXISTS: [6, 409],
  PERMISSION_DENIED: [7, 403],
  RESOURCE_EXHAUSTED: [8, 429],
  FAILED_PRECONDITION: [9, 400],
  ABORTED: [10, 409],
  INTERNAL: [13, 500],
  UNAVAILABLE: [14, 503],
  UNAUTHENTICATED: [16, 401],
};

/**
 * All reasons but zero, in the order of the contract.
 * @throws Error when the comment of one does not begin with its code
 */
export function readReasons(registry: FileRegistry): ErrorReason[] {
  const desc = registry.getEnum('oxo.common.v1.ErrorReason');
  if (desc === undefined) throw new Error('the contracts lack oxo.common.v1.ErrorReason');
  return desc.values
    .filter(({ number }) => number !== 0)
    .map((value) => {
      const comment = commentOf(value);
      const [, code = '', status, meaning = ''] = /^([A-Z_]+)(?:, HTTP (\d+))?: (.+)$/s.exec(comment) ?? [];
      const [number, standard] = CODES[code] ?? [];
      if (number === undefined || standard === undefined) {
        throw new Error(`the comment of ${value.name} must begin with its code, as "NOT_FOUND: no such post."`);
      }
      return { name: value.name, code: number, httpStatus: Number(status ?? standard), meaning };
    });
}

/** What the contract of an RPC says of its refusals, those that any call may meet left out. In the order of the list of reasons. */
export function reasonsOf(rpc: Rpc, rule: HttpRule, all: readonly ErrorReason[]): ErrorReason[] {
  const names = new Set<string>([...ofInput(rpc), ...ofAccess(rpc), ...notFoundOf(rule)]);
  if (rpc.idempotencyKey) for (const name of ['IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_KEY_IN_USE']) names.add(name);
  if (rpc.ifMatch) names.add('ETAG_MISMATCH');
  for (const { word } of wordsOf(rpc)) names.add(word);
  return all.filter(({ name }) => names.has(name));
}

/** What the comment of an RPC may mean as reasons, as "404 POST_NOT_FOUND" does, with the status or the gRPC code before it. */
export function wordsOf({ method }: Rpc): { word: string; before: string | undefined }[] {
  const words = commentOf(method).matchAll(
    /(?:\b([1-5]\d\d|[A-Z_]+) )?\b([A-Z]+(?:_[A-Z]+)+)\b|\b([45]\d\d) ([A-Z]+)\b/g,
  );
  return [...words].map(([, before, word, status, short = '']) => ({ word: word ?? short, before: before ?? status }));
}

function ofInput({ method }: Rpc): string[] {
  const { fields } = method.input;
  if (fields.length === 0) return [];
  const pages = fields.some(({ name }) => name === 'page_token') ? ['PAGE_TOKEN_INVALID'] : [];
  return ['VALIDATION_FAILED', 'REQUEST_MALFORMED', ...pages];
}

function ofAccess({ access }: Rpc): string[] {
  if (access?.kind !== 'signedIn') return ['TOKEN_INVALID', 'SESSION_REVOKED'];
  const { scopes, firstParty, maxSignInAgeSeconds } = access;
  return [
    ...['TOKEN_MISSING', 'TOKEN_INVALID', 'SESSION_REVOKED'],
    ...(firstParty ? ['FIRST_PARTY_ONLY'] : ['API_KEY_INVALID']),
    ...(scopes.length > 0 ? ['SCOPE_MISSING'] : []),
    ...(maxSignInAgeSeconds > 0 ? ['SIGN_IN_TOO_OLD'] : []),
  ];
}

/** What stands in a path may not be there: /posts/{id} is POST_NOT_FOUND. */
export function notFoundOf({ path }: HttpRule): string[] {
  const collections = [...path.matchAll(/\/([a-z-]+)(?:\/by-handle)?\/\{/g)].map(([, name = '']) => name);
  return collections.map(
    (name) => `${name.replace(/ies$/, 'y').replace(/s$/, '').replaceAll('-', '_').toUpperCase()}_NOT_FOUND`,
  );
}

/** An error of this reason as it is answered. */
export function errorExample({ name, code, httpStatus, meaning }: ErrorReason): Json {
  const type = (kind: string) => ({ '@type': `type.googleapis.com/google.rpc.${kind}` });
  const violation = { field: 'text', description: 'must not be empty' };
  return {
    code,
    message: name === 'VALIDATION_FAILED' ? 'The request is not valid. text: must not be empty' : sentence(meaning),
    details: [
      {
        ...type('ErrorInfo'),
        reason: name,
        domain: 'oxo',
        metadata: { requestId: '8c0f1a52-6f0e-4f3c-9a51-7d3f0e2b1c4a' },
      },
      ...(name === 'VALIDATION_FAILED' ? [{ ...type('BadRequest'), fieldViolations: [violation] }] : []),
      ...(httpStatus === 429 || httpStatus === 503 ? [{ ...type('RetryInfo'), retryDelay: '1s' }] : []),
    ],
  };
}

/** "no such post." as a sentence. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
