import type { DescService, FileRegistry } from '@bufbuild/protobuf';
import { API_SCOPES } from '../../../services/auth/tokens/scopes.ts';
import { operatorName } from '../secrets.ts';
import { services } from '../services.ts';
import { checkRoutes } from './check-routes.ts';
import { commentOf } from './comments.ts';
import { isInternal, keepsSecrets, ourServices, type Rpc, rpcsOf } from './contracts.ts';

const SUCCESS_STATUSES = [200, 201, 202, 204];
/** Tokens of administrators alone have the last. */
const SCOPES: ReadonlySet<string> = new Set([...API_SCOPES, 'admin']);
const CALLERS: ReadonlySet<string> = new Set([...services.map(({ name }) => name), operatorName]);

/**
 * What buf cannot know: every RPC declares who may call it, public ones have a REST form and internal ones have none.
 * @returns problems, each naming the RPC; empty when there are none
 */
export function checkContracts(registry: FileRegistry): string[] {
  const all = ourServices(registry).flatMap((service) => rpcsOf(registry, service).map((rpc) => ({ service, rpc })));
  const named = all.flatMap(({ service, rpc }) =>
    problemsOf(registry, service, rpc).map((problem) => `${service.typeName}.${rpc.method.name}: ${problem}`),
  );
  return [...named, ...checkRoutes(all.map(({ rpc }) => rpc))];
}

/** Scopes that no token can have, and callers that are no service: such an RPC would refuse everybody. */
function unknownNames({ access }: Rpc): string[] {
  if (access?.kind === 'signedIn') {
    const unknown = access.scopes.filter((scope) => !SCOPES.has(scope));
    return unknown.map((scope) => `asks for the scope ${scope}, which services/auth/tokens/scopes.ts does not have`);
  }
  if (access?.kind !== 'internal') return [];
  const unknown = access.callers.filter((caller) => !CALLERS.has(caller));
  return unknown.map((caller) => `names the caller ${caller}, which is none of ${[...CALLERS].join(', ')}`);
}

function problemsOf(registry: FileRegistry, service: DescService, rpc: Rpc): string[] {
  const problems = unknownNames(rpc);
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
    if (rule.method === 'post' && !rpc.idempotencyKey && !keepsSecrets(registry, service)) {
      problems.push(
        'is a POST and must honour Idempotency-Key: set option (oxo.common.v1.idempotency_key), or where responses hold secrets the option (oxo.common.v1.keeps_secrets) of the service',
      );
    }
    if (rpc.ifMatch && !['patch', 'delete', 'put'].includes(rule.method))
      problems.push('honours If-Match but changes nothing');
    if (rpc.idempotencyKey && keepsSecrets(registry, service)) {
      problems.push('honours Idempotency-Key, but its service keeps_secrets: its response would be stored');
    }
    if (['get', 'put', 'delete'].includes(rule.method) && !rpc.idempotent) {
      problems.push(`is a ${rule.method.toUpperCase()} without idempotency_level`);
    }
  }
  return problems;
}
