import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { commentOf, firstSentence } from './comments.ts';
import type { HttpRule, Rpc } from './contracts.ts';
import type { Schema, SchemaSet } from './schemas.ts';

const PATH_VARIABLE = /\{([^}]*)\}/g;
const SUCCESS_WORDS: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'Done' };

/** A path of the REST API with the names that JSON uses: "/api/v1/users/{userId}/posts". */
export function restPath(rpc: Rpc, rule: HttpRule): string {
  return rule.path.replace(PATH_VARIABLE, (_, name: string) => `{${fieldOf(rpc.method.input, name).jsonName}}`);
}

/** One operation of OpenAPI, split into path, query and body as the transcoder does it. */
export function operation(rpc: Rpc, rule: HttpRule, tag: string, schemas: SchemaSet): Schema {
  const input = rpc.method.input;
  const inPath = [...rule.path.matchAll(PATH_VARIABLE)].map(([, name]) => fieldOf(input, name ?? ''));
  const rest = input.fields.filter((field) => !inPath.includes(field));
  const inQuery = rule.body === '*' ? [] : rest.filter((field) => field.name !== rule.body);
  const description = commentOf(rpc.method);
  const parameters = [
    ...inPath.map((field) => parameter(field, 'path', schemas)),
    ...inQuery.map((field) => parameter(field, 'query', schemas)),
    ...(rpc.idempotencyKey ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ...(rpc.ifMatch ? [{ $ref: '#/components/parameters/IfMatch' }] : []),
  ];
  const body = requestBody(rpc, rule, new Set(inPath.map(({ name }) => name)), schemas);
  return {
    operationId: rpc.method.name.charAt(0).toLowerCase() + rpc.method.name.slice(1),
    tags: [tag],
    summary: firstSentence(description),
    description,
    security: security(rpc),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responses(rpc, schemas),
  };
}

function fieldOf(message: DescMessage, name: string): DescField {
  const field = message.fields.find((candidate) => candidate.name === name);
  if (field?.fieldKind === 'scalar') return field;
  throw new Error(`${message.typeName}: the path variable {${name}} must be the name of a scalar field`);
}

function parameter(field: DescField, where: 'path' | 'query', schemas: SchemaSet): Schema {
  if (field.fieldKind === 'map' || (field.message !== undefined && !field.message.typeName.startsWith('google.'))) {
    throw new Error(`${field.parent.typeName}.${field.name}: messages in the query are not supported`);
  }
  const { description, ...schema } = schemas.field(field, 'request');
  return {
    name: field.jsonName,
    in: where,
    ...(where === 'path' ? { required: true } : {}),
    ...(description === undefined ? {} : { description }),
    schema,
  };
}

function requestBody(rpc: Rpc, rule: HttpRule, inPath: ReadonlySet<string>, schemas: SchemaSet): Schema | undefined {
  if (rule.body === '') return undefined;
  const field = rpc.method.input.fields.find(({ name }) => name === rule.body);
  if (rule.body !== '*' && field?.message === undefined) {
    throw new Error(`${rpc.method.input.typeName}: the body ${rule.body} must be "*" or the name of a message field`);
  }
  const schema = schemas.message(field?.message ?? rpc.method.input, 'request', inPath);
  return { content: { 'application/json': { schema } } };
}

function security(rpc: Rpc): Schema[] {
  if (rpc.access?.kind !== 'signedIn') return [{}, { bearerAuth: [] }, { apiKeyAuth: [] }];
  const { scopes, firstParty } = rpc.access;
  return [{ bearerAuth: scopes }, ...(firstParty ? [] : [{ apiKeyAuth: scopes }])];
}

function responses(rpc: Rpc, schemas: SchemaSet): Schema {
  const success: Schema = {
    description: SUCCESS_WORDS[rpc.successStatus] ?? '',
    headers: { 'X-Request-Id': { schema: { type: 'string' } }, ...(hasEtag(rpc) ? { ETag: etag } : {}) },
  };
  if (rpc.successStatus !== 204) {
    success.content = { 'application/json': { schema: schemas.message(rpc.method.output, 'response') } };
  }
  return { [String(rpc.successStatus)]: success, default: { $ref: '#/components/responses/Error' } };
}

const etag: Schema = { description: 'As the etag of what is shown.', schema: { type: 'string' } };

/** Whether the response shows one thing that has an etag. */
function hasEtag(rpc: Rpc): boolean {
  const [shown, ...others] = rpc.method.output.fields;
  return (
    shown?.fieldKind === 'message' && others.length === 0 && shown.message.fields.some(({ name }) => name === 'etag')
  );
}
