import { type ErrorReason, errorExample, sentence } from './reasons.ts';
import type { Schema } from './schemas.ts';

const typeUrl = (name: string): Schema => ({ const: `type.googleapis.com/google.rpc.${name}` });
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** Schemas of the one error shape: google.rpc.Status in JSON, always with an ErrorInfo. */
export function errorSchemas(reasons: readonly ErrorReason[]): Record<string, Schema> {
  return {
    Error: {
      type: 'object',
      description: 'google.rpc.Status. Branch on the reason of its ErrorInfo.',
      properties: {
        code: { type: 'integer', format: 'int32', description: 'google.rpc.Code: the gRPC number.' },
        message: { type: 'string', description: 'For developers, in English.' },
        details: {
          type: 'array',
          items: { anyOf: [ref('ErrorInfo'), ref('BadRequest'), ref('RetryInfo')] },
          contains: ref('ErrorInfo'),
        },
      },
      required: ['code', 'message', 'details'],
      additionalProperties: false,
    },
    ErrorInfo: {
      type: 'object',
      properties: {
        '@type': typeUrl('ErrorInfo'),
        reason: ref('ErrorReason'),
        domain: { const: 'oxo' },
        metadata: {
          type: 'object',
          description: 'requestId: finds the request in the logs.',
          additionalProperties: { type: 'string' },
        },
      },
      required: ['@type', 'reason', 'domain'],
      additionalProperties: false,
    },
    ErrorReason: {
      type: 'string',
      description: `More may be added.\n\n${reasons.map((reason) => `- \`${reason.name}\` (${reason.httpStatus}): ${reason.meaning}`).join('\n')}`,
      enum: reasons.map(({ name }) => name),
    },
    BadRequest: {
      type: 'object',
      properties: {
        '@type': typeUrl('BadRequest'),
        fieldViolations: { type: 'array', minItems: 1, items: ref('FieldViolation') },
      },
      required: ['@type', 'fieldViolations'],
      additionalProperties: false,
    },
    FieldViolation: {
      type: 'object',
      properties: {
        field: { type: 'string', description: 'Name as in JSON, with dots and indexes.' },
        description: { type: 'string' },
        reason: { type: 'string' },
      },
      required: ['field', 'description'],
      additionalProperties: false,
    },
    RetryInfo: {
      type: 'object',
      properties: {
        '@type': typeUrl('RetryInfo'),
        retryDelay: {
          type: 'string',
          description: 'How long to wait, such as "1s".',
          pattern: '^\\d+(\\.\\d{1,9})?s$',
        },
      },
      required: ['@type', 'retryDelay'],
      additionalProperties: false,
    },
  };
}

const headers: Schema = {
  'X-Request-Id': { schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds, on 429 and 503.', schema: { type: 'string' } },
  'RateLimit-Limit': { description: 'Calls that are allowed; on all answers.', schema: { type: 'string' } },
  'RateLimit-Remaining': { description: 'How many of them are left.', schema: { type: 'string' } },
  'RateLimit-Reset': { description: 'Seconds until there are more.', schema: { type: 'string' } },
};

const EXAMPLES = '#/components/examples/';

/** What any call may meet; shown as the response of every status that an operation does not name. */
const ANYWHERE = ['RATE_LIMITED', 'UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL'];

/** The responses of errors, for components.responses: they are added as operations refer to them. */
export interface ErrorResponses {
  readonly components: ReadonlyMap<string, Schema>;
  /** One response for each HTTP status of these reasons, and `default` for all others. */
  of(reasons: readonly ErrorReason[]): Record<string, Schema>;
}

export function createErrorResponses(all: readonly ErrorReason[]): ErrorResponses {
  const anywhere = all.filter(({ name }) => ANYWHERE.includes(name));
  const components = new Map<string, Schema>([
    ['Error', response('An error, in the one shape that all errors have.', anywhere)],
  ]);

  function reference(reasons: readonly ErrorReason[]): Schema {
    const name = reasons.map((reason) => reason.name).join('.');
    components.set(name, response(reasons.map((reason) => `${reason.name}: ${reason.meaning}`).join('\n\n'), reasons));
    return { $ref: `#/components/responses/${name}` };
  }

  return {
    components,
    of(reasons) {
      const byStatus = Object.groupBy(reasons, ({ httpStatus }) => httpStatus);
      const known = Object.entries(byStatus).map(([status, some = []]) => [status, reference(some)] as const);
      return { ...Object.fromEntries(known), default: { $ref: '#/components/responses/Error' } };
    },
  };
}

/** For components.examples: an error of each reason. */
export function errorExamples(reasons: readonly ErrorReason[]): Record<string, Schema> {
  return Object.fromEntries(
    reasons.map((reason) => [
      reason.name,
      { summary: `${reason.httpStatus} ${sentence(reason.meaning)}`, value: errorExample(reason) },
    ]),
  );
}

function response(description: string, reasons: readonly ErrorReason[]): Schema {
  const examples = Object.fromEntries(reasons.map(({ name }) => [name, { $ref: `${EXAMPLES}${name}` }]));
  return { description, headers, content: { 'application/json': { schema: ref('Error'), examples } } };
}
