import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { commentOf, firstSentence } from './comments.ts';
import type { HttpRule, Rpc } from './contracts.ts';
import type { ErrorResponses } from './errors.ts';
import { queryExamples } from './example-values.ts';
import type { Examples } from './examples.ts';
import { type ErrorReason, reasonsOf } from './reasons.ts';
import type { Schema, SchemaSet } from './schemas.ts';

const PATH_VARIABLE = /\{([^}]*)\}/g;
const SUCCESS_WORDS: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'Done' };

/** A path of the REST API with the names that JSON uses: "/api/v1/users/{userId}/posts". */
export function restPath(rpc: Rpc, rule: HttpRule): string {
  return rule.path.replace(PATH_VARIABLE, (_, name: string) => `{${fieldOf(rpc.method.input, name).jsonName}}`);
}

/** What operations are made with. */
export interface OperationParts {
  schemas: SchemaSet;
  examples: Examples;
  reasons: readonly ErrorReason[];
  errors: ErrorResponses;
}

/** One operation of OpenAPI, split into path, query and body as the transcoder does it. */
export function operation(rpc: Rpc, rule: HttpRule, tag: string, parts: OperationParts): Schema {
  const input = rpc.method.input;
  const inPath = [...rule.path.matchAll(PATH_VARIABLE)].map(([, name]) => fieldOf(input, name ?? ''));
  const rest = input.fields.filter((field) => !inPath.includes(field));
  const inQuery = rule.body === '*' ? [] : rest.filter((field) => field.name !== rule.body);
  const description = commentOf(rpc.method);
  const parameters = [
    ...inPath.map((field) => parameter(field, 'path', parts)),
    ...inQuery.map((field) => parameter(field, 'query', parts)),
    ...(rpc.idempotencyKey ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ...(rpc.ifMatch ? [{ $ref: '#/components/parameters/IfMatch' }] : []),
  ];
  const body = requestBody(rpc, rule, new Set(inPath.map(({ name }) => name)), parts);
  return {
    operationId: rpc.method.name.charAt(0).toLowerCase() + rpc.method.name.slice(1),
    tags: [tag],
    summary: firstSentence(description),
    description,
    security: security(rpc),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responses(rpc, rule, parts),
  };
}

function fieldOf(message: DescMessage, name: string): DescField {
  const field = message.fields.find((candidate) => candidate.name === name);
  if (field?.fieldKind === 'scalar') return field;
  throw new Error(`${message.typeName}: the path variable {${name}} must be the name of a scalar field`);
}

function parameter(field: DescField, where: 'path' | 'query', { schemas, examples }: OperationParts): Schema {
  const { description, ...schema } = schemas.field(field, 'request');
  const example = where === 'path' ? examples.field(field) : queryExamples[field.jsonName];
  return {
    name: field.jsonName,
    in: where,
    ...(where === 'path' ? { required: true } : {}),
    ...(description === undefined ? {} : { description }),
    schema,
    ...(example === undefined ? {} : { example }),
  };
}

function requestBody(
  rpc: Rpc,
  rule: HttpRule,
  inPath: ReadonlySet<string>,
  { schemas, examples }: OperationParts,
): Schema | undefined {
  if (rule.body === '') return undefined;
  const field = rpc.method.input.fields.find(({ name }) => name === rule.body);
  if (rule.body !== '*' && field?.message === undefined) {
    throw new Error(`${rpc.method.input.typeName}: the body ${rule.body} must be "*" or the name of a message field`);
  }
  const message = field?.message ?? rpc.method.input;
  const schema = schemas.message(message, 'request', inPath);
  return { content: { 'application/json': { schema, example: examples.message(message, inPath) } } };
}

/** Any of them will do; what can be called by nobody in particular may be called by somebody too. */
function security(rpc: Rpc): Schema[] {
  const [bearer, oauth, apiKey] = ['bearerAuth', 'oauth2', 'apiKeyAuth'] as const;
  if (rpc.access?.kind !== 'signedIn') return [{}, { [bearer]: [] }, { [oauth]: [] }, { [apiKey]: [] }];
  const { scopes, firstParty } = rpc.access;
  if (firstParty) return [{ [bearer]: scopes }];
  return [{ [bearer]: scopes }, { [oauth]: scopes }, { [apiKey]: scopes }];
}

function responses(rpc: Rpc, rule: HttpRule, { schemas, examples, reasons, errors }: OperationParts): Schema {
  const success: Schema = {
    description: SUCCESS_WORDS[rpc.successStatus] ?? '',
    headers: { 'X-Request-Id': { schema: { type: 'string' } }, ...(hasEtag(rpc) ? { ETag: etag } : {}) },
  };
  if (rpc.successStatus !== 204) {
    const { output } = rpc.method;
    success.content = {
      'application/json': { schema: schemas.message(output, 'response'), example: examples.message(output) },
    };
  }
  return { [String(rpc.successStatus)]: success, ...errors.of(reasonsOf(rpc, rule, reasons)) };
}

const etag: Schema = { description: 'As the etag of what is shown.', schema: { type: 'string' } };

/** Whether the response shows one thing that has an etag. */
function hasEtag(rpc: Rpc): boolean {
  const [shown, ...others] = rpc.method.output.fields;
  return (
    shown?.fieldKind === 'message' && others.length === 0 && shown.message.fields.some(({ name }) => name === 'etag')
  );
}
