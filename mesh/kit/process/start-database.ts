/**
 * The parts of a service that has tables, started as those in start.ts. They are apart because a service without tables need not load the
 * mapper.
 */
import { systemClock } from '#kit/clock.ts';
import { type Database, type DatabaseOptions, openDatabase } from '#kit/db/database.ts';
import type { NatsBus } from '#kit/events/jetstream/nats.ts';
import { createEffects, type Effect } from '#kit/events/outbox/effects.ts';
import { createOutbox, type Outbox } from '#kit/events/outbox/outbox.ts';
import { measureOutbox } from '#kit/events/outbox/outbox-metrics.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { createRelay } from '#kit/events/outbox/relay.ts';
import type { CommonConfig, DatabaseConfig } from '#kit/process/config.ts';
import type { ServiceContext } from '#kit/process/lifecycle.ts';

type Context = ServiceContext<CommonConfig & DatabaseConfig>;

/** The database of a service, watched by /readyz. @param entities those of the service, from its schema.ts */
export async function startDatabase(context: Context, entities: DatabaseOptions['entities']): Promise<Database> {
  const { config, metrics, ops, onStop } = context;
  const db = await openDatabase({ url: config.databaseUrl, poolSize: config.databasePoolSize, entities, metrics });
  onStop('database', db.close);
  ops.addCheck('postgres', db.ping);
  return db;
}

/** The outbox of a service; its relay starts with the service, whose effects it repeats. */
export interface ServiceOutbox extends Outbox {
  startRelay(effects: readonly Effect[]): void;
}

/**
 * Opens the outbox; nothing is published before `startRelay`.
 * @param options.name of the service, which is the source of its events
 */
export function openOutbox(
  { config, logger, metrics, onStop }: Context,
  options: { name: string; db: Database; nats: NatsBus },
): ServiceOutbox {
  const { name, db, nats } = options;
  const publisher = createPublisher({ nats, source: name, logger });
  onStop('publisher', publisher.close);
  const effects = createEffects([], logger);
  const counted = measureOutbox(metrics, db);
  const relay = createRelay({ databaseUrl: config.databaseUrl, db, publisher, effects, logger, ...counted });
  onStop('relay', relay.stop);
  return {
    ...createOutbox({ effects, relay, clock: systemClock }),
    startRelay(repeated) {
      effects.add(repeated);
      relay.start();
    },
  };
}
