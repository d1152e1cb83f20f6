import type { ConfigMap, Container, EnvVar, Pod, ResourceFieldRef, Secret } from '../api/types.ts';
import { numberOf } from './quantity.ts';

/** What the variables of a container are made of. */
export type Sources = {
  readonly pod: Pod;
  readonly podIp: string;
  readonly hostIp: string;
  readonly nodeName: string;
  /** By name, of the pod's namespace; undefined: there is none. */
  readonly configMap: (name: string) => ConfigMap | undefined;
  readonly secret: (name: string) => Secret | undefined;
};

/** Something that a pod names is not there: it waits, since it may come. */
export class MissingError extends Error {}

/**
 * The variables of a container, in the order of the pod's specification: later ones may use earlier ones as $(NAME).
 * @throws MissingError for a ConfigMap, a Secret or a key that is not there and not optional
 */
export function environmentOf(container: Container, sources: Sources): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const values = configMapRef
      ? configMapValues(sources, configMapRef)
      : secretRef
        ? secretValues(sources, secretRef)
        : {};
    for (const [key, value] of Object.entries(values)) variables[`${prefix}${key}`] = value;
  }
  for (const variable of container.env ?? []) {
    const value = variableOf(variable, container, sources);
    if (value !== undefined) variables[variable.name] = expand(value, variables);
  }
  return variables;
}

/** $(NAME) becomes the value of NAME where it is known, and $$ becomes $. */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)/g, (whole: string, name: string | undefined) => {
    if (name === undefined) return '$';
    return variables[name] ?? whole;
  });
}

/**
 * What the downward API tells of a pod: `metadata.name`, `metadata.labels['app']`, `status.podIP`, …
 * @throws Error for a field that it does not have
 */
export function fieldOf({ pod, podIp, hostIp, nodeName }: Sources, path: string): string {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (keyed !== null) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? '';
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'metadata.labels': keyedLines(metadata.labels),
    'metadata.annotations': keyedLines(metadata.annotations),
    'spec.nodeName': nodeName,
    'spec.serviceAccountName': spec.serviceAccountName ?? 'default',
    'status.podIP': podIp,
    'status.podIPs': podIp,
    'status.hostIP': hostIp,
    'status.hostIPs': hostIp,
  };
  if (!Object.hasOwn(fields, path)) throw new Error(`the downward API has no field ${path}`);
  return fields[path] ?? '';
}

/** What a container asks for or may have, in units of the divisor, rounded up. What is not said is what the machine has. */
export function resourceOf(container: Container, { resource, divisor = '1' }: ResourceFieldRef): string {
  const [kind = '', name = ''] = resource.split('.');
  const { requests = {}, limits = {} } = container.resources ?? {};
  const given = (kind === 'limits' ? limits[name] : requests[name]) ?? (kind === 'limits' ? undefined : limits[name]);
  const machine: Readonly<Record<string, number>> = { cpu: 2, memory: 4 * 1024 ** 3 };
  const amount = given === undefined ? (kind === 'limits' ? (machine[name] ?? 0) : 0) : numberOf(given);
  const unit = numberOf(divisor) || 1;
  return String(Math.ceil(amount / unit));
}

function variableOf({ value, valueFrom }: EnvVar, container: Container, sources: Sources): string | undefined {
  if (valueFrom === undefined) return value ?? '';
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef !== undefined) return fieldOf(sources, fieldRef.fieldPath);
  if (resourceFieldRef !== undefined) {
    const { initContainers = [], containers } = sources.pod.spec;
    const other = [...initContainers, ...containers].find(({ name }) => name === resourceFieldRef.containerName);
    return resourceOf(other ?? container, resourceFieldRef);
  }
  if (configMapKeyRef !== undefined)
    return keyOf(configMapValues(sources, configMapKeyRef), configMapKeyRef, `ConfigMap ${configMapKeyRef.name}`);
  if (secretKeyRef !== undefined)
    return keyOf(secretValues(sources, secretKeyRef), secretKeyRef, `Secret ${secretKeyRef.name}`);
  return '';
}

function keyOf(
  values: Readonly<Record<string, string>>,
  { key, optional = false }: { readonly key: string; readonly optional?: boolean },
  of: string,
): string | undefined {
  if (values[key] === undefined && !optional) throw new MissingError(`${of} has no key ${key}`);
  return values[key];
}

type Ref = { readonly name: string; readonly optional?: boolean };

function configMapValues({ configMap }: Sources, { name, optional = false }: Ref): Readonly<Record<string, string>> {
  const found = configMap(name);
  if (found === undefined && !optional) throw new MissingError(`there is no ConfigMap ${name}`);
  return found?.data ?? {};
}

function secretValues({ secret }: Sources, { name, optional = false }: Ref): Readonly<Record<string, string>> {
  const found = secret(name);
  if (found === undefined && !optional) throw new MissingError(`there is no Secret ${name}`);
  const entries = Object.entries(found?.data ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
}

/** As files of the downward API have it: name="value" on each line. */
function keyedLines(values: Readonly<Record<string, string>> = {}): string {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join('\n');
}
