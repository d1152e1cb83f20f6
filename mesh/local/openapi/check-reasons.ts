import type { FileRegistry } from '@bufbuild/protobuf';
import { isInternal, ourServices, type Rpc, rpcsOf } from './contracts.ts';
import { CODES, type ErrorReason, notFoundOf, readReasons, reasonsOf, wordsOf } from './reasons.ts';

const LIST = 'proto/oxo/common/v1/error_reason.proto';

/** What the front door or any service may answer to any call, and what no RPC of the public ones can. */
const OF_NO_RPC = new Set([
  ...['BODY_TOO_LARGE', 'REQUEST_TIMEOUT', 'HEADERS_TOO_LARGE', 'CREDENTIALS_AMBIGUOUS', 'ROUTE_NOT_FOUND'],
  ...['RATE_LIMITED', 'UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'INTERNAL', 'CALLER_NOT_ALLOWED'],
]);

/**
 * Whether the comments of RPCs and the list of reasons agree.
 * @returns problems, each with the RPC or the reason that it is about
 */
export function checkReasons(registry: FileRegistry): string[] {
  const all = readReasons(registry);
  const rpcs = ourServices(registry).flatMap((service) => rpcsOf(registry, service));
  const values = [...registry].flatMap((type) => (type.kind === 'enum' ? type.values.map(({ name }) => name) : []));
  const wrong = rpcs.flatMap((rpc) =>
    [...wrongWords(rpc, all, new Set(values)), ...wrongPaths(rpc, all)].map(
      (problem) => `${rpc.method.parent.typeName}.${rpc.method.name}: ${problem}`,
    ),
  );
  return [...wrong, ...untold(rpcs, all)];
}

/** Words that look like reasons and are none (nor values of any enum), and reasons that are not written as `404 POST_NOT_FOUND`. */
function wrongWords(rpc: Rpc, all: readonly ErrorReason[], values: ReadonlySet<string>): string[] {
  return wordsOf(rpc).flatMap(({ word, before }) => {
    const reason = all.find(({ name }) => name === word);
    if (reason === undefined) return values.has(word) ? [] : [`its comment names ${word}, which ${LIST} does not have`];
    const status = String(reason.httpStatus);
    const hasOther = before !== undefined && before !== status && (/^\d/.test(before) || before in CODES);
    return hasOther ? [`its comment says ${before} ${word}: write ${status} ${word}`] : [];
  });
}

/** A path with /things/{id} answers THING_NOT_FOUND, which must exist for the API reference to tell of it. */
function wrongPaths(rpc: Rpc, all: readonly ErrorReason[]): string[] {
  return rpc.http.flatMap((rule) =>
    notFoundOf(rule)
      .filter((expected) => !all.some(({ name }) => name === expected))
      .map((expected) => `has the path ${rule.path}, whose 404 is ${expected}, which ${LIST} does not have`),
  );
}

/** Reasons of which no operation tells; each says where to write it. */
function untold(rpcs: readonly Rpc[], all: readonly ErrorReason[]): string[] {
  const open = rpcs.filter(({ method }) => !isInternal(method.parent));
  const told = new Set(open.flatMap((rpc) => rpc.http.flatMap((rule) => reasonsOf(rpc, rule, all))));
  return all
    .filter((reason) => !told.has(reason) && !OF_NO_RPC.has(reason.name))
    .map(({ name }) => `${name}: no public RPC tells of it: name it in the comment of those that answer it`);
}
