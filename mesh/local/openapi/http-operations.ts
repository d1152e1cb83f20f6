import { OAUTH_ROUTES } from '../../../services/auth/oauth/routes.ts';
import type { Json } from './example-values.ts';
import { oauthOperations } from './oauth-operations.ts';
import type { Schema } from './schemas.ts';

/** An endpoint that is no RPC: HTTP as a standard has it. */
export interface HttpOperation {
  method: 'get' | 'post';
  path: string;
  id: string;
  tag: string;
  summary: string;
  description: string;
  /** Query parameters of a GET, fields of the form of a POST (or of its JSON). */
  input?: Readonly<Record<string, InputField>>;
  inputType?: 'application/x-www-form-urlencoded' | 'application/json';
  security: Schema[];
  /** Of a success; absent where the answer has no body. */
  output?: { description: string; schema: Schema; example: Json };
  status: number;
  /** Whose shape errors have: ours, or that of OAuth. */
  errors: 'Error' | 'OAuthError';
}

export interface InputField {
  description: string;
  /** Absent: it is shown without an example. */
  example?: Json;
  required?: true;
  schema?: Schema;
}

const KEYS_TAG = 'Keys';

export const httpTags = [
  {
    name: 'OAuth',
    description:
      "OAuth 2.1 and OpenID Connect, for other people's apps. Libraries of the field find all of it from the address alone, by the metadata.",
  },
  { name: KEYS_TAG, description: 'What verifies the access tokens.' },
];

const jwks: HttpOperation = {
  method: 'get',
  path: OAUTH_ROUTES.jwks,
  id: 'getJwks',
  tag: KEYS_TAG,
  summary: 'The public keys of the access tokens',
  description:
    'A JSON Web Key Set ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517)): the keys that sign now, that will sign next, and that have signed what is still valid.',
  security: [{}],
  output: {
    description: 'A JSON Web Key Set.',
    schema: {
      type: 'object',
      properties: { keys: { type: 'array', items: { type: 'object' } } },
      required: ['keys'],
    },
    example: {
      keys: [{ kty: 'RSA', use: 'sig', alg: 'RS256', kid: '01938c1d-70aa-7e11', n: 'u1SU1LfVLPHCozMxH2Mo', e: 'AQAB' }],
    },
  },
  status: 200,
  errors: 'Error',
};

/** The paths of all of them, with their operations. */
export function httpPaths(): Map<string, Schema> {
  const paths = new Map<string, Schema>();
  for (const one of [...oauthOperations(OAUTH_ROUTES), jwks]) {
    paths.set(one.path, { ...paths.get(one.path), [one.method]: operationOf(one) });
  }
  return paths;
}

function operationOf(one: HttpOperation): Schema {
  const { input = {}, inputType, output } = one;
  const fields = Object.entries(input);
  const content = output && { 'application/json': { schema: output.schema, example: output.example } };
  return {
    operationId: one.id,
    tags: [one.tag],
    summary: one.summary,
    description: one.description,
    security: one.security,
    ...(inputType === undefined && fields.length > 0 ? { parameters: fields.map(queryParameter) } : {}),
    ...(inputType === undefined ? {} : { requestBody: { required: true, content: { [inputType]: body(fields) } } }),
    responses: {
      [String(one.status)]: { description: output?.description ?? 'Done', ...(content ? { content } : {}) },
      default: { $ref: `#/components/responses/${one.errors}` },
    },
  };
}

function queryParameter([name, { description, example, required, schema }]: readonly [string, InputField]): Schema {
  return {
    name,
    in: 'query',
    ...(required ? { required } : {}),
    description,
    schema: schema ?? { type: 'string' },
    ...(example === undefined ? {} : { example }),
  };
}

function body(fields: readonly (readonly [string, InputField])[]): Schema {
  const properties = fields.map(([name, { description, schema }]) => [
    name,
    { ...(schema ?? { type: 'string' }), description },
  ]);
  const required = fields.filter(([, field]) => field.required).map(([name]) => name);
  const examples = fields.flatMap(([name, { example }]) => (example === undefined ? [] : [[name, example]]));
  return {
    schema: {
      type: 'object',
      properties: Object.fromEntries(properties),
      ...(required.length > 0 ? { required } : {}),
    },
    example: Object.fromEntries(examples),
  };
}
