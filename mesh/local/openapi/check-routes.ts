import type { DescField } from '@bufbuild/protobuf';
import type { HttpRule, Rpc } from './contracts.ts';

const PREFIX = '/api/v1/';
const PATH_VARIABLE = /\{([^}]*)\}/g;

interface Route {
  rpc: Rpc;
  rule: HttpRule;
}

/**
 * What is wrong with the REST routes, each alone and all beside each other.
 * @returns problems, each naming the RPC
 */
export function checkRoutes(rpcs: readonly Rpc[]): string[] {
  const routes = rpcs.flatMap((rpc) => rpc.http.map((rule) => ({ rpc, rule })));
  const paths = routes.map(({ rule }) => rule.path);
  return routes.flatMap((route, index) => {
    const { rpc, rule } = route;
    const problems = [
      ...misnamedIds(rule.path, paths),
      ...wrongVariables(route),
      ...wrongBody(route),
      ...wrongQuery(route),
      ...clashes(route, routes.slice(0, index)),
    ];
    return problems.map((problem) => `${nameOf(rpc)}: ${problem}`);
  });
}

/** The fields of a request that stand in the path. */
function variablesOf({ path }: HttpRule): string[] {
  return [...path.matchAll(PATH_VARIABLE)].map(([, name = '']) => name);
}

function nameOf({ method }: Rpc): string {
  return `${method.parent.typeName}.${method.name}`;
}

/** What stands below a thing calls it `{id}`, unless what it lists has a path of its own: `/users/{user_id}/posts` beside `/posts/{id}`. */
function misnamedIds(path: string, paths: readonly string[]): string[] {
  const [, id, below] = /^\/api\/v1\/[^/]+\/\{((?:\w+_)?id)\}\/([^/:{]+)/.exec(path) ?? [];
  if (id === undefined) return [];
  const hasOwnPath = paths.some((other) => other.startsWith(`${PREFIX}${below}/{`));
  if (hasOwnPath !== (id === 'id')) return [];
  return [`has the path ${path}: {${id}} must be ${hasOwnPath ? `{<kind>_id}, as /${below}/{…} exists` : '{id}'}`];
}

function wrongVariables({ rpc, rule }: Route): string[] {
  const { input } = rpc.method;
  const isScalar = (name: string) => input.fields.find((field) => field.name === name)?.fieldKind === 'scalar';
  return variablesOf(rule)
    .filter((name) => !isScalar(name))
    .map((name) => `has the path ${rule.path}: {${name}} must be the name of a scalar field of ${input.name}`);
}

function wrongBody({ rpc, rule }: Route): string[] {
  if (rule.body === '' || rule.body === '*') return [];
  const { input } = rpc.method;
  if (input.fields.find(({ name }) => name === rule.body)?.message !== undefined) return [];
  return [`has the body "${rule.body}", which must be "*" or the name of a message field of ${input.name}`];
}

function wrongQuery({ rpc, rule }: Route): string[] {
  if (rule.body === '*') return [];
  const elsewhere = new Set([...variablesOf(rule), rule.body]);
  return rpc.method.input.fields
    .filter((field) => !elsewhere.has(field.name) && !fitsQuery(field))
    .map(({ name }) => `has ${name} in its query, where neither a message nor a map can stand: give it a body`);
}

/** Whether a field can be a parameter of the query, as times and such can. */
function fitsQuery(field: DescField): boolean {
  return field.fieldKind !== 'map' && (field.message?.typeName.startsWith('google.') ?? true);
}

/** OpenAPI has one path of a shape, and Envoy's transcoder takes the first: `/posts/{post_id}` is `/posts/{id}`. */
function clashes({ rule }: Route, before: readonly Route[]): string[] {
  const shape = shapeOf(rule);
  const same = before.filter((other) => shapeOf(other.rule) === shape);
  const [renamed] = same.filter((other) => other.rule.path !== rule.path);
  const [twice] = same.filter((other) => other.rule.method === rule.method);
  return [
    ...(renamed
      ? [`has the path ${rule.path}, which ${nameOf(renamed.rpc)} calls ${renamed.rule.path}: use one name`]
      : []),
    ...(twice ? [`has the route ${rule.method.toUpperCase()} ${rule.path} of ${nameOf(twice.rpc)}`] : []),
  ];
}

function shapeOf({ path }: HttpRule): string {
  return path.replace(PATH_VARIABLE, '{}');
}
