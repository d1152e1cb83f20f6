/**
 * What a service's user may do at the server. Everything else is refused.
 */
import type { Durable } from '#kit/events/consumers/durables.ts';
import { broadcastSubject, REVOCATIONS_STREAM } from '#kit/events/jetstream/streams.ts';

export interface NatsPermissions {
  publish: { allow: string[] };
  subscribe: { allow: string[] };
}

/**
 * The least that the kit needs for a service: publish its subjects, read and acknowledge its own durable consumers, read the broadcast
 * streams, get answers in its own inbox. It may make no consumer; see consumers/durables.ts for why.
 * @param options.publishes subjects, wildcards allowed
 * @param options.durables names must begin with `<service>-`
 */
export function natsPermissions(options: {
  service: string;
  /** Of the service, where it is not called as the service is: it names the inbox. */
  user?: string;
  publishes: readonly string[];
  durables: readonly Durable[];
  broadcastStreams?: readonly string[];
}): NatsPermissions {
  const { service, user = service, publishes, durables, broadcastStreams = [REVOCATIONS_STREAM] } = options;
  const stranger = durables.find(({ name }) => !name.startsWith(`${service}-`));
  if (stranger !== undefined) throw new Error(`consumer "${stranger.name}" does not belong to service "${service}"`);
  return {
    publish: {
      allow: [
        ...publishes,
        ...durables.flatMap(({ stream, name }) => [
          `$JS.API.CONSUMER.INFO.${stream}.${name}`,
          `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`,
          `$JS.ACK.${stream}.${name}.>`,
        ]),
        ...broadcastStreams.flatMap((stream) => [`$JS.API.STREAM.INFO.${stream}`, `$JS.API.DIRECT.GET.${stream}`]),
      ],
    },
    subscribe: { allow: [`_INBOX_${user}.>`, ...broadcastStreams.map(broadcastSubject)] },
  };
}
