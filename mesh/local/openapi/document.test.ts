import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import { OAUTH_PATHS } from '../../../services/auth/oauth/routes.ts';
import { OFFERED_API_SCOPES } from '../../../services/auth/tokens/scopes.ts';
import { isReason, OxoError } from '../../kit/errors.ts';
import { repositoryRoot } from '../settings.ts';
import { readContracts } from './contracts.ts';
import { exampleValues } from './example-values.ts';
import { missingExamples } from './examples.ts';

type Content = { readonly schema?: object; readonly example?: unknown; readonly examples?: Record<string, unknown> };
type Message = { readonly $ref?: string; readonly content?: Readonly<Record<string, Content>> };
type Parameter = { readonly $ref?: string; readonly name: string; readonly in: string; readonly example?: unknown };
type Operation = {
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Message;
  readonly responses: Readonly<Record<string, Message>>;
};
type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
};

const read = (path: string): Buffer => readFileSync(join(repositoryRoot, path));
const document: Document = parse(read('gen/openapi.yaml').toString());
const registry = readContracts(read('gen/envoy/oxo.binpb'));
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(document, 'openapi.yaml', false, false);

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
);

/** Asserts that what stands at the place is an example of what the schema beside it says. */
function assertExample(where: string, place: readonly string[], example: unknown): void {
  const pointer = place.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  const validate = ajv.compile({ $ref: `openapi.yaml#/${pointer}/schema` });
  assert.ok(validate(example), `${where}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(example)}`);
}

function placeOf(name: string, ...rest: string[]): string[] {
  const [method = '', path = ''] = name.split(' ');
  return ['paths', path, method.toLowerCase(), ...rest];
}

describe('the description of the API', () => {
  it('says of every operation what it does and how it may be called', () => {
    assert.ok(operations.length >= 40);
    for (const { name, operation } of operations) {
      assert.ok((operation.summary ?? '').length >= 4, `${name} has no summary`);
      assert.ok((operation.description ?? '').length >= 4, `${name} has no description`);
      assert.ok((operation.security ?? []).length > 0, `${name} does not say how to show who calls`);
    }
  });

  it('has an example of every request, which its schema allows', () => {
    for (const { name, operation } of operations) {
      for (const [index, parameter] of (operation.parameters ?? []).entries()) {
        if (parameter.$ref !== undefined) continue;
        const where = `${name} ${parameter.name}`;
        if (parameter.in === 'path') assert.notEqual(parameter.example, undefined, where);
        if (parameter.example === undefined) continue;
        assertExample(where, placeOf(name, 'parameters', String(index)), parameter.example);
      }
      for (const [type, { example }] of Object.entries(operation.requestBody?.content ?? {})) {
        assert.notEqual(example, undefined, name);
        assertExample(name, placeOf(name, 'requestBody', 'content', type), example);
      }
    }
  });

  it('has an example of every answer, which its schema allows', () => {
    for (const { name, operation } of operations) {
      for (const [status, { content = {} }] of Object.entries(operation.responses)) {
        for (const [type, { example }] of Object.entries(content)) {
          assert.notEqual(example, undefined, `${name} ${status}`);
          assertExample(`${name} ${status}`, placeOf(name, 'responses', status, 'content', type), example);
        }
      }
    }
  });

  it('tells the errors of an operation by their reasons', () => {
    const responses = document.paths['/api/v1/posts/{id}']?.patch?.responses ?? {};
    const refs = Object.entries(responses).map(([status, { $ref = '' }]) => [status, $ref.split('/').at(-1)]);
    assert.deepEqual(refs.slice(1), [
      ['400', 'VALIDATION_FAILED.REQUEST_MALFORMED.EDIT_LIMIT_REACHED'],
      ['401', 'TOKEN_MISSING.TOKEN_INVALID.SESSION_REVOKED.API_KEY_INVALID'],
      ['403', 'SCOPE_MISSING.NOT_AUTHOR'],
      ['404', 'POST_NOT_FOUND'],
      ['409', 'ETAG_MISMATCH'],
      ['default', 'Error'],
    ]);
    const validate = ajv.compile({ $ref: 'openapi.yaml#/components/schemas/Error' });
    for (const [name, example] of Object.entries(document.components.examples ?? {})) {
      const { value } = example as { value: { details: { reason?: string }[] } };
      assert.ok(validate(value), `${name}: ${ajv.errorsText(validate.errors)}`);
      assert.equal(value.details[0]?.reason, name);
    }
  });

  it('knows every reason with the code that it is thrown with', () => {
    const examples = Object.entries(document.components.examples ?? {});
    assert.ok(examples.length > 30);
    for (const [name, example] of examples) {
      assert.ok(isReason(name));
      assert.equal((example as { value: { code: number } }).value.code, new OxoError(name, '').code, name);
    }
  });

  it('has all of OAuth but its pages', () => {
    const isPage = (path: string) => path.startsWith('/device') || /\/(confirm|success|)$/.test(path);
    const served = OAUTH_PATHS.filter(({ path }) => !isPage(path)).map(({ path }) => path);
    const described = Object.keys(document.paths).filter((path) => /^\/(oauth|\.well-known)\//.test(path));
    assert.deepEqual(described.sort(), [...served, '/.well-known/jwks.json'].sort());
    for (const { path, methods } of OAUTH_PATHS) {
      for (const method of Object.keys(document.paths[path] ?? {}))
        assert.ok(methods.includes(method.toUpperCase()), path);
    }
  });
});

describe('scopes', () => {
  it('are offered when an operation asks for them, and not before', () => {
    const asked = operations.flatMap(({ operation }) => (operation.security ?? []).flatMap((one) => one.oauth2 ?? []));
    // Posts are read without any, and by a token as whom it stands for: a person may say no to that all the same.
    const wanted = new Set([...asked.filter((scope) => scope !== 'openid'), 'posts:read']);
    assert.deepEqual([...OFFERED_API_SCOPES].sort(), [...wanted].sort());
  });
});

describe('the values of examples', () => {
  it('are missed where a field has none, by the name under which one is looked for', () => {
    const { text, 'User.id': _, ...rest } = exampleValues;
    const missed = missingExamples(registry, { ...rest, 'Post.text': text }).map((line) => line.split(':')[0]);
    assert.deepEqual(missed, ['CreatePostRequest.text', 'PostRevision.text', 'UpdatePostRequest.text']);
    assert.deepEqual(missingExamples(registry), []);
  });

  it('are all of fields that exist', () => {
    const messages = [...registry].filter((type) => type.kind === 'message' && type.typeName.startsWith('oxo.'));
    const names = messages.flatMap((type) =>
      type.kind === 'message' ? type.fields.flatMap(({ jsonName }) => [jsonName, `${type.name}.${jsonName}`]) : [],
    );
    assert.deepEqual(
      Object.keys(exampleValues).filter((name) => !names.includes(name)),
      [],
    );
  });
});
