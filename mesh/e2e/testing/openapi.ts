import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import { repositoryRoot } from '../../local/settings.ts';

/** What came back over HTTP, before anybody believed it. */
export type RawAnswer = {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
};

type Operation = { readonly pointer: string; readonly responses: Readonly<Record<string, unknown>> };
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Pick<Operation, 'responses'>>>>> };

const DOCUMENT = 'openapi.yaml';
const ERROR_SCHEMA = '#/components/schemas/Error';

/** HTTP statuses of the gRPC numbers, by the standard mapping. */
const STATUSES_OF_CODE: Readonly<Record<number, readonly number[]>> = {
  1: [499],
  3: [400, 413, 431],
  4: [504, 408],
  5: [404],
  6: [409],
  7: [403],
  8: [429],
  9: [400],
  10: [409],
  13: [500],
  14: [503],
  16: [401],
};

/** Checks answers against the published contract. */
export type Contract = {
  /** Gives the body as JSON, undefined when there is none. @throws ContractError when the answer is not what is published */
  readonly check: (answer: RawAnswer) => unknown;
  /** `METHOD /path/{template}` of every operation. */
  readonly operations: readonly string[];
};

/** An answer that openapi.yaml does not allow. */
export class ContractError extends Error {
  override name = 'ContractError';

  constructor(answer: RawAnswer, problem: string) {
    const body = answer.body.toString().slice(0, 1_000);
    super(`${answer.method} ${answer.path} answered ${answer.status}: ${problem}\n${body}`);
  }
}

/** Reads gen/openapi.yaml, as the front door serves it. */
export function openContract(path = join(repositoryRoot, 'gen/openapi.yaml')): Contract {
  const document = parse(readFileSync(path, 'utf8')) as Document;
  // The document is more than a schema; only parts of it are compiled.
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, DOCUMENT, false, false);
  const validators = new Map<string, ValidateFunction>();

  function requireSchema(answer: RawAnswer, pointer: string, json: unknown): void {
    const validate = validators.get(pointer) ?? ajv.compile({ $ref: `${DOCUMENT}${pointer}` });
    validators.set(pointer, validate);
    if (!validate(json)) throw new ContractError(answer, ajv.errorsText(validate.errors));
  }

  function checkSuccess(answer: RawAnswer, operation: Operation | undefined): unknown {
    const documented = operation?.responses[String(answer.status)] as { content?: object } | undefined;
    if (answer.headers['x-request-id'] === undefined) throw new ContractError(answer, 'no x-request-id');
    if (operation === undefined || documented === undefined) throw new ContractError(answer, 'not a documented status');
    if (documented.content === undefined) return requireNoBody(answer);
    const json = parseJson(answer);
    requireSchema(answer, `${operation.pointer}/responses/${answer.status}/content/application~1json/schema`, json);
    return json;
  }

  function checkError(answer: RawAnswer): unknown {
    const json = parseJson(answer);
    requireSchema(answer, ERROR_SCHEMA, json);
    requireConsistentError(answer, json as ErrorBody);
    return json;
  }

  return {
    check(answer) {
      const operation = findOperation(document, answer);
      return answer.status < 400 ? checkSuccess(answer, operation) : checkError(answer);
    },
    operations: Object.entries(document.paths).flatMap(([template, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${template}`),
    ),
  };
}

/** google.rpc.Status in JSON. */
export type ErrorBody = {
  readonly code: number;
  readonly message: string;
  readonly details: readonly {
    readonly '@type': string;
    readonly reason?: string;
    readonly metadata?: Readonly<Record<string, string>>;
    readonly fieldViolations?: readonly { readonly field: string; readonly description: string }[];
    readonly retryDelay?: string;
  }[];
};

/** What a schema cannot say: the status belongs to the code, the request id is the header's, who may try again is told when. */
function requireConsistentError(answer: RawAnswer, error: ErrorBody): void {
  if (!STATUSES_OF_CODE[error.code]?.includes(answer.status)) {
    throw new ContractError(answer, `the status does not belong to code ${error.code}`);
  }
  const info = error.details.find((detail) => detail.reason !== undefined);
  const requestId = answer.headers['x-request-id'];
  if (info?.metadata?.requestId !== requestId) {
    throw new ContractError(answer, `the request id in the body is not that of the header, ${requestId}`);
  }
  if (requestId === undefined) throw new ContractError(answer, 'no request id');
  const named = error.details.some((detail) => (detail.fieldViolations ?? []).length > 0);
  if (info?.reason === 'VALIDATION_FAILED' && !named) throw new ContractError(answer, 'no field is named');
  const mustTell = answer.status === 503 || answer.status === 429;
  if (mustTell && answer.headers['retry-after'] === undefined) throw new ContractError(answer, 'no Retry-After');
}

function requireNoBody(answer: RawAnswer): undefined {
  if (answer.body.length > 0) throw new ContractError(answer, 'a body where none is documented');
  if (answer.headers['content-type'] !== undefined) throw new ContractError(answer, 'a content type without a body');
}

function parseJson(answer: RawAnswer): unknown {
  const type = answer.headers['content-type'];
  if (type !== 'application/json') throw new ContractError(answer, `content type ${type}`);
  try {
    return JSON.parse(answer.body.toString());
  } catch {
    throw new ContractError(answer, 'the body is no JSON');
  }
}

/** The operation of a path: of several templates the one with the most literal segments. */
function findOperation(document: Document, { method, path }: RawAnswer): Operation | undefined {
  const segments = path.split('?', 1)[0]?.split('/') ?? [];
  const matching = Object.keys(document.paths)
    .filter((template) => matches(template.split('/'), segments))
    .sort((a, b) => a.split('{').length - b.split('{').length);
  for (const template of matching) {
    const operation = document.paths[template]?.[method.toLowerCase()];
    const name = template.replaceAll('~', '~0').replaceAll('/', '~1');
    // A fragment is percent-encoded: braces of templates are not allowed in it.
    const pointer = `#/paths/${encodeURIComponent(name)}/${method.toLowerCase()}`;
    if (operation !== undefined) return { pointer, responses: operation.responses };
  }
  return undefined;
}

function matches(template: readonly string[], segments: readonly string[]): boolean {
  if (template.length !== segments.length) return false;
  return template.every((part, index) => part === segments[index] || (part.startsWith('{') && segments[index] !== ''));
}
