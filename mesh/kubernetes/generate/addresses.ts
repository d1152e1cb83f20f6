import { workloads } from '../../istio/callers.ts';
import { GRPC_PORT } from '../../istio/generate/names.ts';
import { services } from '../../local/services.ts';

/** Where each service is that another one calls, as all of them are told; the front door finds them by their names. */
export function renderAddresses(): string {
  const isService = (name: string) => services.some((service) => service.name === name);
  const called = services.filter(({ name }) => Object.keys(workloads[name]?.callers ?? {}).some(isService));
  return called.map(({ name }) => `${name.toUpperCase()}_GRPC_ADDRESS=${name}:${GRPC_PORT}\n`).join('');
}
