import { readFileSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { systemClock } from '#kit/clock.ts';
import { EVENTS_STREAM, STREAMS } from '#kit/events/jetstream/streams.ts';
import { asCliError, CliError } from '../cli/cli-error.ts';
import { unlessAborted } from '../cli/interrupt.ts';
import { requireFolder, syncPath } from '../machine/folder.ts';
import { loadSecrets } from '../secrets.ts';
import { connectOnce } from '../servers/nats.ts';
import { repositoryRoot } from '../settings.ts';
import type { StackPlan } from '../stack/plan.ts';
import { dumpDatabase } from './database.ts';
import { backupFiles, fingerprint, type Manifest, streamFile } from './manifest.ts';
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
export async function writeBackup(
  plan: StackPlan,
  folder: string,
  step: RunStep,
  signal: AbortSignal,
): Promise<Manifest> {
  requireFolder(dirname(folder), '--to');
  let fresh: string | undefined;
  let connection: NatsConnection | undefined;
  try {
    // A name of its own, closed to others: another backup may be going on, and what is there is not ours.
    fresh = await mkdtemp(`${folder}.new-`);
    connection = await connectOnce(plan.urls.nats);
    const manifest = await unlessAborted(fill(plan, fresh, connection, step, signal), signal);
    syncPath(fresh);
    await rename(fresh, folder);
    syncPath(dirname(folder));
    return manifest;
  } catch (error) {
    // What was given up may still be writing.
    if (fresh !== undefined) await rm(fresh, { recursive: true, force: true, maxRetries: 5 });
    throw asCliError(error, `${folder} can't be written`, [
      'Nothing of it is left. See to it that the disk has space and that you may write there, or name another folder by --to.',
    ]);
  } finally {
    await connection?.close();
  }
}

async function fill(
  plan: StackPlan,
  folder: string,
  connection: NatsConnection,
  step: RunStep,
  signal: AbortSignal,
): Promise<Manifest> {
  const manager = await jetstreamManager(connection);
  const positions = await readPositions(manager, EVENTS_STREAM);
  let database: Awaited<ReturnType<typeof dumpDatabase>> = { schemas: {}, version: '' };
  await step('Postgres', async () => {
    database = await dumpDatabase(plan, folder, signal);
    return `${countRows(database.schemas)} rows`;
  });
  const streams: Manifest['streams'] = {};
  for (const { name } of STREAMS) {
    signal.throwIfAborted();
    await step(name, async () => {
      const file = streamFile(name);
      const snapshot = await saveStream(connection, name, join(folder, file));
      const { messages, last_seq: lastSequence } = snapshot.state;
      streams[name] = { file, messages, lastSequence, snapshot };
      return `${messages} messages`;
    });
  }
  await copyFile(join(plan.stateDir, 'secrets.json'), join(folder, backupFiles.secrets));
  requireSameKey(plan);
  const saved = [...Object.values(database.schemas), ...Object.values(streams)];
  const names = [backupFiles.secrets, ...saved.map(({ file }) => file)];
  const files: Manifest['files'] = {};
  for (const name of names) {
    await chmod(join(folder, name), 0o600);
    files[name] = await fingerprint(join(folder, name));
  }
  const manifest: Manifest = {
    format: 2,
    createdAt: new Date(systemClock.nowMs()).toISOString(),
    versions: { oxo: ownVersion(), postgres: database.version, nats: connection.info?.version ?? '' },
    publicUrl: plan.publicUrl,
    schemas: database.schemas,
    streams,
    consumers: Object.fromEntries([...positions].map(([name, handled]) => [name, { stream: EVENTS_STREAM, handled }])),
    files,
  };
  const manifestPath = join(folder, backupFiles.manifest);
  await writeFile(manifestPath, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  // pg_dump and saveStream have brought theirs to the disk.
  for (const path of [join(folder, backupFiles.secrets), manifestPath]) syncPath(path);
  return manifest;
}

/** The dump may hold keys that nothing decrypts but what the secrets had then. */
function requireSameKey({ stateDir, secrets: before }: StackPlan): void {
  const { keyEncryptionKey, formerKeyEncryptionKeys } = loadSecrets(stateDir, []);
  if ([keyEncryptionKey, ...formerKeyEncryptionKeys].includes(before.keyEncryptionKey)) return;
  throw new CliError('the key-encryption key was replaced meanwhile', { advice: ['./oxo backup again'] });
}

export function countRows(schemas: Manifest['schemas']): number {
  return Object.values(schemas).reduce((sum, { rows }) => sum + Object.values(rows).reduce((a, b) => a + b, 0), 0);
}

function ownVersion(): string {
  return (JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
