import { natsPermissions } from '#kit/events/jetstream/permissions.ts';
import { durablesOf, type ServiceDefinition } from '../services.ts';
import type { NatsUser } from './nats.ts';

/** One NATS user a service: it publishes its own subjects, reads its own consumers, and nothing else. */
export function natsUsers(
  services: readonly ServiceDefinition[],
  passwords: ReadonlyMap<string, string>,
): Promise<NatsUser[]> {
  return Promise.all(
    services.map(async (service) => ({
      name: service.name,
      password: passwords.get(service.name) ?? '',
      permissions: natsPermissions({
        service: service.name,
        publishes: service.publishes,
        durables: await durablesOf(service),
      }),
    })),
  );
}
