import type { DescService, FileRegistry } from '@bufbuild/protobuf';
import { stringify } from 'yaml';
import { commentOf } from './comments.ts';
import { isInternal, ourServices, rpcsOf } from './contracts.ts';
import { errorResponse, errorSchemas } from './errors.ts';
import { operation, restPath } from './operations.ts';
import { createSchemaSet, type Schema, type SchemaSet } from './schemas.ts';

const HEADER = '# Made from proto/ by ./oxo generate; never edited.\n';

const INTRODUCTION = `The public API of OXO. Bodies are canonical proto3 JSON: lowerCamelCase, enums by name, times as
RFC 3339 strings. Unknown query parameters are refused, unknown fields of bodies ignored. Bodies are at most 64 KiB.
A list ends where nextPageToken is empty, and only there.`.replace(/\n/g, ' ');

/**
 * The OpenAPI 3.1 description of the front door.
 * @param registry with source information, for the comments
 * @param version of the API's description
 */
export function renderOpenApi(registry: FileRegistry, version: string): string {
  const schemas = createSchemaSet();
  const services = ourServices(registry).filter((service) => !isInternal(service));
  const paths = new Map<string, Schema>();
  for (const service of services) addOperations(registry, service, schemas, paths);
  paths.set('/.well-known/jwks.json', { get: jwksOperation });
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'OXO',
      version,
      description: INTRODUCTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...services.map((service) => ({ name: tagOf(service), description: commentOf(service) })), jwksTag],
    paths: sorted(paths),
    components: {
      securitySchemes: {
        bearerAuth: { type: 'http', scheme: 'bearer' },
        apiKeyAuth: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
      },
      parameters: { IdempotencyKey: idempotencyKey, IfMatch: ifMatch },
      responses: { Error: errorResponse },
      schemas: sorted(new Map([...schemas.components, ...Object.entries(errorSchemas(registry))])),
    },
  };
  return HEADER + stringify(document, { aliasDuplicateObjects: false, lineWidth: 120 });
}

function addOperations(
  registry: FileRegistry,
  service: DescService,
  schemas: SchemaSet,
  paths: Map<string, Schema>,
): void {
  for (const rpc of rpcsOf(registry, service)) {
    for (const rule of rpc.http) {
      const path = restPath(rpc, rule);
      const item = paths.get(path) ?? {};
      if (item[rule.method] !== undefined) throw new Error(`two RPCs have the rule ${rule.method} ${path}`);
      item[rule.method] = operation(rpc, rule, tagOf(service), schemas);
      paths.set(path, item);
    }
  }
}

function tagOf(service: DescService): string {
  return service.name.replace(/Service$/, '');
}

function sorted(map: ReadonlyMap<string, Schema>): Record<string, Schema> {
  return Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const idempotencyKey: Schema = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Any text that names this request. Sent again within 24 hours, the first response is given again; with a body that means something else it is refused.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

const ifMatch: Schema = {
  name: 'If-Match',
  in: 'header',
  description:
    'Etags, or "*" (RFC 9110). When the thing has none of them, the call is refused with ETAG_MISMATCH and changes nothing. Weak etags match nothing.',
  schema: { type: 'string' },
};

const jwksTag = { name: 'Keys', description: 'What verifies the access tokens.' };

const jwksOperation: Schema = {
  operationId: 'getJwks',
  tags: [jwksTag.name],
  summary: 'The public keys of the access tokens',
  security: [{}],
  responses: {
    '200': {
      description: 'A JSON Web Key Set (RFC 7517).',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            properties: { keys: { type: 'array', items: { type: 'object' } } },
            required: ['keys'],
          },
        },
      },
    },
    default: { $ref: '#/components/responses/Error' },
  },
};
