import type { DescService, FileRegistry } from '@bufbuild/protobuf';
import { commentOf } from './comments.ts';
import { isInternal, ourServices, type Rpc, rpcsOf } from './contracts.ts';

const SUCCESS_STATUSES = [200, 201, 202, 204];

/**
 * What buf cannot know: every RPC declares who may call it, public ones have a REST form and internal ones have none.
 * @returns problems, each naming the RPC; empty when there are none
 */
export function checkContracts(registry: FileRegistry): string[] {
  const all = ourServices(registry).flatMap((service) => rpcsOf(registry, service).map((rpc) => ({ service, rpc })));
  const paths = all.flatMap(({ rpc }) => rpc.http.map(({ path }) => path));
  return all.flatMap(({ service, rpc }) =>
    [...problemsOf(service, rpc), ...rpc.http.flatMap(({ path }) => misnamedIds(path, paths))].map(
      (problem) => `${service.typeName}.${rpc.method.name}: ${problem}`,
    ),
  );
}

/** What stands below a thing calls it `{id}`, unless what it lists has a path of its own: `/users/{user_id}/posts` beside `/posts/{id}`. */
function misnamedIds(path: string, paths: readonly string[]): string[] {
  const [, id, below] = /^\/api\/v1\/[^/]+\/\{((?:\w+_)?id)\}\/([^/:{]+)/.exec(path) ?? [];
  if (id === undefined) return [];
  const hasOwnPath = paths.some((other) => other.startsWith(`/api/v1/${below}/{`));
  if (hasOwnPath !== (id === 'id')) return [];
  return [`has the path ${path}: {${id}} must be ${hasOwnPath ? `{<kind>_id}, as /${below}/{…} exists` : '{id}'}`];
}

function problemsOf(service: DescService, rpc: Rpc): string[] {
  const problems: string[] = [];
  if (rpc.access === undefined) problems.push('declares no access: set option (oxo.common.v1.access)');
  if (isInternal(service)) {
    if (rpc.http.length > 0) problems.push('is internal and must have no google.api.http rule');
    return problems;
  }
  if (rpc.access?.kind === 'internal') problems.push('stands in a public service but is for internal callers only');
  if (rpc.access?.kind === 'signedIn' && rpc.access.scopes.length === 0 && !rpc.access.firstParty) {
    problems.push('needs no scope, so every client and API key may call it: name a scope, or set first_party');
  }
  if (commentOf(rpc.method) === '') problems.push('has no comment, which is what the API reference says of it');
  if (rpc.http.length === 0) problems.push('is public and needs a google.api.http rule');
  if (!SUCCESS_STATUSES.includes(rpc.successStatus)) problems.push(`answers success_status ${rpc.successStatus}`);
  if (rpc.successStatus === 204 && rpc.method.output.fields.length > 0) {
    problems.push('answers 204, which has no body, but its response has fields');
  }
  for (const rule of rpc.http) {
    if (!rule.path.startsWith('/api/v1/')) problems.push(`has the path ${rule.path}, outside /api/v1/`);
    if (rpc.idempotencyKey && rule.method !== 'post') problems.push('honours Idempotency-Key but is no POST');
    if (rule.method === 'post' && !rpc.idempotencyKey && !keepsSecrets(service)) {
      problems.push('is a POST and must honour Idempotency-Key: set option (oxo.common.v1.idempotency_key)');
    }
    if (rpc.ifMatch && !['patch', 'delete', 'put'].includes(rule.method))
      problems.push('honours If-Match but changes nothing');
    if (['get', 'put', 'delete'].includes(rule.method) && !rpc.idempotent) {
      problems.push(`is a ${rule.method.toUpperCase()} without idempotency_level`);
    }
  }
  return problems;
}

/** Its responses hold secrets, which are not stored to be replayed. */
function keepsSecrets(service: DescService): boolean {
  return ['AuthService', 'ApiKeyService', 'MfaService', 'PasskeyService'].includes(service.name);
}
