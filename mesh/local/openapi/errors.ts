import type { FileRegistry } from '@bufbuild/protobuf';
import type { Schema } from './schemas.ts';

const typeUrl = (name: string): Schema => ({ const: `type.googleapis.com/google.rpc.${name}` });
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** Schemas of the one error shape: google.rpc.Status in JSON, always with an ErrorInfo. */
export function errorSchemas(registry: FileRegistry): Record<string, Schema> {
  const reasons = registry.getEnum('oxo.common.v1.ErrorReason')?.values.filter(({ number }) => number !== 0);
  if (reasons === undefined) throw new Error('the contracts lack oxo.common.v1.ErrorReason');
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
    ErrorReason: { type: 'string', enum: reasons.map(({ name }) => name) },
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

/** The response of every error, for components.responses. */
export const errorResponse: Schema = {
  description: 'An error, in the one shape that all errors have.',
  headers: {
    'X-Request-Id': { schema: { type: 'string' } },
    'Retry-After': { description: 'Seconds, on 429 and 503.', schema: { type: 'string' } },
    'RateLimit-Limit': { description: 'Calls that are allowed; on all answers.', schema: { type: 'string' } },
    'RateLimit-Remaining': { description: 'How many of them are left.', schema: { type: 'string' } },
    'RateLimit-Reset': { description: 'Seconds until there are more.', schema: { type: 'string' } },
  },
  content: { 'application/json': { schema: ref('Error') } },
};
