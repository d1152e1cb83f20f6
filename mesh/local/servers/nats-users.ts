import type { NatsUser } from '#kit/events/jetstream/accounts.ts';
import { natsPermissions } from '#kit/events/jetstream/permissions.ts';
import { ownerOf } from '../credentials/turns.ts';
import { durablesOf, type ServiceDefinition } from '../services.ts';

/**
 * One NATS user a service, two while its password is replaced: it publishes the subjects of the service, reads its consumers, and nothing
 * else.
 * @param passwords by user
 */
export function natsUsers(
  services: readonly ServiceDefinition[],
  passwords: ReadonlyMap<string, string>,
): Promise<NatsUser[]> {
  return Promise.all(
    services.flatMap((service) =>
      [...passwords]
        .filter(([user]) => ownerOf(user) === service.name)
        .map(async ([name, password]) => ({
          name,
          password,
          service: service.name,
          permissions: natsPermissions({
            service: service.name,
            user: name,
            publishes: service.publishes,
            durables: await durablesOf(service),
          }),
        })),
    ),
  );
}
