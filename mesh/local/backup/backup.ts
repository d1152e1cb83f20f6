import { readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { systemClock } from '#kit/clock.ts';
import { EVENTS_STREAM, STREAMS } from '#kit/events/streams.ts';
import { connectOnce } from '../servers/nats.ts';
import { repositoryRoot } from '../settings.ts';
import type { StackPlan } from '../stack/plan.ts';
import { dumpDatabase } from './database.ts';
import { backupFiles, fingerprint, type Manifest } from './manifest.ts';
import { readPositions, saveStream } from './streams.ts';

/** Runs a part of the work under a name; text that it returns is shown beside it. */
export type RunStep = (name: string, work: () => Promise<unknown>) => Promise<unknown>;

/**
 * Writes a backup of a stack that runs into a folder that is not there yet; it appears by one rename, when it is whole.
 *
 * The order is what makes it consistent: first how far the consumers are, then the tables, then the streams. So whatever is no
 * longer in an outbox of the dump is in the stream, and a consumer is never further than the tables are: after a restore events are
 * published or handled a second time, and none is missing.
 */
export async function writeBackup(plan: StackPlan, folder: string, step: RunStep): Promise<Manifest> {
  const fresh = `${folder}.new`;
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  const connection = await connectOnce(plan.urls.nats);
  try {
    const manifest = await fill(plan, fresh, connection, step);
    await rename(fresh, folder);
    return manifest;
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  } finally {
    await connection.close();
  }
}

async function fill(plan: StackPlan, folder: string, connection: NatsConnection, step: RunStep): Promise<Manifest> {
  const manager = await jetstreamManager(connection);
  const positions = await readPositions(manager, EVENTS_STREAM);
  let database: Awaited<ReturnType<typeof dumpDatabase>> = { schemas: {}, version: '' };
  await step('Postgres', async () => {
    database = await dumpDatabase(plan.urls.database, plan.cacheDir, plan.services, join(folder, backupFiles.database));
    return `${countRows(database.schemas)} rows`;
  });
  const streams: Manifest['streams'] = {};
  for (const { name } of STREAMS) {
    await step(name, async () => {
      const file = `${name}.stream`;
      const snapshot = await saveStream(connection, name, join(folder, file));
      const { messages, last_seq: lastSequence } = snapshot.state;
      streams[name] = { file, messages, lastSequence, snapshot };
      return `${messages} messages`;
    });
  }
  await copyFile(join(plan.stateDir, 'secrets.json'), join(folder, backupFiles.secrets));
  const names = [backupFiles.secrets, backupFiles.database, ...Object.values(streams).map(({ file }) => file)];
  const files: Manifest['files'] = {};
  for (const name of names) {
    await chmod(join(folder, name), 0o600);
    files[name] = await fingerprint(join(folder, name));
  }
  const manifest: Manifest = {
    format: 1,
    createdAt: new Date(systemClock.nowMs()).toISOString(),
    versions: { oxo: ownVersion(), postgres: database.version, nats: connection.info?.version ?? '' },
    publicUrl: plan.publicUrl,
    schemas: database.schemas,
    streams,
    consumers: Object.fromEntries([...positions].map(([name, handled]) => [name, { stream: EVENTS_STREAM, handled }])),
    files,
  };
  await writeFile(join(folder, backupFiles.manifest), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  return manifest;
}

export function countRows(schemas: Manifest['schemas']): number {
  return Object.values(schemas).reduce((sum, { rows }) => sum + Object.values(rows).reduce((a, b) => a + b, 0), 0);
}

function ownVersion(): string {
  return (JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
