import type { DescService, FileRegistry } from '@bufbuild/protobuf';
import { stringify } from 'yaml';
import { commentOf } from './comments.ts';
import { isInternal, ourServices, rpcsOf } from './contracts.ts';
import { createErrorResponses, errorExamples, errorSchemas } from './errors.ts';
import { createExamples } from './examples.ts';
import { httpPaths, httpTags } from './http-operations.ts';
import { oauthError } from './oauth-operations.ts';
import { type OperationParts, operation, restPath } from './operations.ts';
import { readReasons } from './reasons.ts';
import { createSchemaSet, type Schema } from './schemas.ts';
import { securitySchemes } from './security.ts';

const HEADER = '# Made from proto/ by ./oxo generate; never edited.\n';

const INTRODUCTION = `The public API of OXO.

**Who calls**: send \`Authorization: Bearer …\` with the token of a sign-in or of an OAuth client, or \`X-Api-Key\`. Each operation says which
scopes it needs.

**Bodies** are canonical proto3 JSON: lowerCamelCase, enums by name, times as RFC 3339 strings, at most 64 KiB. Unknown query parameters are
refused, unknown fields of bodies ignored.

**Lists** end where nextPageToken is empty, and only there.

**Errors** have one shape, google.rpc.Status, with a reason from a closed list (schema ErrorReason): branch on it. Every answer has an
X-Request-Id, which finds the request in the logs.

**Limits**: RateLimit-Remaining says what is left; what is over is 429 with Retry-After.`
  .replace(/([^\n])\n(?!\n)/g, '$1 ')
  .trim();

/**
 * The OpenAPI 3.1 description of the front door.
 * @param registry with source information, for the comments
 * @param version of the API's description
 */
export function renderOpenApi(registry: FileRegistry, version: string): string {
  const reasons = readReasons(registry);
  const parts = {
    schemas: createSchemaSet(),
    examples: createExamples(),
    reasons,
    errors: createErrorResponses(reasons),
  };
  const services = ourServices(registry).filter((service) => !isInternal(service));
  const paths = httpPaths();
  for (const service of services) addOperations(registry, service, parts, paths);
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'OXO',
      version,
      description: INTRODUCTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...services.map((service) => ({ name: tagOf(service), description: commentOf(service) })), ...httpTags],
    paths: sorted(paths),
    components: {
      securitySchemes,
      parameters: { IdempotencyKey: idempotencyKey, IfMatch: ifMatch },
      responses: sorted(new Map([...parts.errors.components, ['OAuthError', oauthError.response]])),
      schemas: sorted(
        new Map([
          ...parts.schemas.components,
          ...Object.entries(errorSchemas(reasons)),
          ['OAuthError', oauthError.schema],
        ]),
      ),
      examples: errorExamples(reasons),
    },
  };
  return HEADER + stringify(document, { aliasDuplicateObjects: false, lineWidth: 120 });
}

function addOperations(
  registry: FileRegistry,
  service: DescService,
  parts: OperationParts,
  paths: Map<string, Schema>,
): void {
  for (const rpc of rpcsOf(registry, service)) {
    for (const rule of rpc.http) {
      const path = restPath(rpc, rule);
      const item = paths.get(path) ?? {};
      if (item[rule.method] !== undefined) throw new Error(`two RPCs have the rule ${rule.method} ${path}`);
      item[rule.method] = operation(rpc, rule, tagOf(service), parts);
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
