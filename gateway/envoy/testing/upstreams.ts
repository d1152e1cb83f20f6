import { publicServices, type UpstreamName } from '../settings.ts';

/** The same for each of the services behind the front door. */
export function everyUpstream<T>(value: T): Record<UpstreamName, T> {
  const names = Object.keys(publicServices);
  return Object.fromEntries(names.map((name) => [name, value])) as Record<UpstreamName, T>;
}
