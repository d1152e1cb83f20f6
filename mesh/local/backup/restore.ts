import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { asCliError, CliError } from '../cli/cli-error.ts';
import { unlessAborted } from '../cli/interrupt.ts';
import { requireFolder } from '../machine/folder.ts';
import { type Lock, lockStack } from '../machine/lock.ts';
import { writePrivately } from '../secrets.ts';
import { connectOnce } from '../servers/nats.ts';
import { setUpStreams } from '../servers/streams.ts';
import { services } from '../services.ts';
import type { Settings } from '../settings.ts';
import { planStack, type StackPlan } from '../stack/plan.ts';
import { setUpServers } from '../stack/servers.ts';
import { startStack } from '../stack/stack.ts';
import { stopOrphans } from '../supervisor/orphans.ts';
import { readLiveState } from '../supervisor/state.ts';
import { recordRestore } from './audit-restore.ts';
import { countRows, type RunStep } from './backup.ts';
import { type EndedSessions, endSessions, hasTables, restoreDatabase } from './database.ts';
import { requireKnown } from './known.ts';
import { backupFiles, type Manifest, readVerified } from './manifest.ts';
import { endRestore, moveAside, moveBack, presentIn, requireNoRestore } from './mark.ts';
import { loadStream, type Snapshot, setPosition } from './streams.ts';

export type RestoreOptions = {
  readonly force: boolean;
  /** Everybody signs in again: sessions that were ended after the backup would be there again. */
  readonly endSessions: boolean;
  readonly step: RunStep;
  readonly signal: AbortSignal;
};

/**
 * Fills a stack that is down and empty with a backup, compares it, and leaves it down.
 * With `force` it may hold something: the data folder is moved aside (and named), schemas and streams on servers of one's own are replaced.
 * @throws CliError; then the state folder is as it was, also when the signal came
 */
export async function restoreBackup(
  settings: Settings,
  folder: string,
  options: RestoreOptions,
): Promise<{ aside: string | undefined }> {
  const { force, step, signal } = options;
  requireFolder(settings.stateDir, 'OXO_STATE_DIR');
  const stateDir = realpathSync(settings.stateDir);
  requireNoRestore(stateDir);
  let manifest: Manifest | undefined;
  const check = step('checksums', async () => {
    manifest = await readVerified(folder);
    return `of ${Object.keys(manifest.files).length} files, written ${manifest.createdAt}`;
  });
  await unlessAborted(check, signal);
  if (manifest === undefined) throw new Error('the backup was not read');
  requireKnown(manifest, services);
  const lock = await lockStack(stateDir);
  if (lock === undefined) throw new CliError('the stack runs', { advice: ['./oxo down first'] });
  try {
    requireEmptyOrForce(stateDir, force);
    // Servers whose supervisor was killed must not write into what is moved.
    await stopOrphans(stateDir);
    signal.throwIfAborted();
    return { aside: await replace(settings, stateDir, folder, manifest, options, lock) };
  } finally {
    await lock.release();
  }
}

async function replace(
  settings: Settings,
  stateDir: string,
  folder: string,
  manifest: Manifest,
  options: RestoreOptions,
  lock: Lock,
): Promise<string | undefined> {
  const mark = await moveAside(stateDir).catch(async (error: unknown) => {
    throw asCliError(error, `what is in ${stateDir} can't be moved aside`, ['./oxo restore --undo puts it back']);
  });
  try {
    writePrivately(join(stateDir, 'secrets.json'), await readFile(join(folder, backupFiles.secrets), 'utf8'));
    await fillServers(settings, folder, manifest, options, lock);
    endRestore(stateDir);
    return mark.present.length === 0 ? undefined : mark.aside;
  } catch (error) {
    await moveBack(stateDir, mark);
    throw asCliError(error, 'the backup was not restored', [
      `${stateDir} is as it was. See to it that the disk has space, and restore again.`,
    ]);
  }
}

async function fillServers(
  settings: Settings,
  folder: string,
  manifest: Manifest,
  { force, step, signal, ...wanted }: RestoreOptions,
  lock: Lock,
): Promise<void> {
  const options = { ...settings, serversOnly: true };
  const stack = await startStack(options, signal, lock);
  const fill = async (): Promise<void> => {
    const plan = planStack(options);
    if (!force && (await hasTables(plan.urls.database, plan.services)))
      throw notEmpty('the schemas in DATABASE_URL hold tables');
    await step('Postgres', async () => {
      await restoreDatabase(plan, folder, manifest.schemas, signal);
      return `${countRows(manifest.schemas)} rows, compared`;
    });
    signal.throwIfAborted();
    let ended: EndedSessions | undefined;
    if (wanted.endSessions) {
      await step('sessions', async () => {
        ended = await endSessions(plan);
        return `${ended.sessions + ended.grants + ended.keys} sessions ended`;
      });
    }
    // Roles and rights as this code wants them.
    await setUpServers(plan, (_, work) => work());
    await recordRestore(plan, manifest.createdAt, ended);
    await step('streams', () => fillStreams(plan, folder, manifest, force));
  };
  try {
    await unlessAborted(fill(), signal);
  } finally {
    await stack.stop();
  }
}

async function fillStreams(plan: StackPlan, folder: string, manifest: Manifest, force: boolean): Promise<string> {
  const connection = await connectOnce(plan.urls.nats);
  try {
    const manager = await jetstreamManager(connection);
    for (const [name, { file, snapshot }] of Object.entries(manifest.streams)) {
      const { messages } = (await manager.streams.info(name)).state;
      if (messages > 0 && !force) throw notEmpty(`the stream ${name} in NATS_URL holds ${messages} messages`);
      await manager.streams.delete(name);
      await loadStream(connection, name, join(folder, file), snapshot as Snapshot);
    }
    await setUpStreams(plan.urls.nats, plan.services);
    for (const [name, { stream, handled }] of Object.entries(manifest.consumers)) {
      const exists = await manager.consumers.info(stream, name).then(
        () => true,
        () => false,
      );
      if (exists) await setPosition(connection, stream, name, handled);
    }
    let messages = 0;
    for (const [name, expected] of Object.entries(manifest.streams)) {
      const { state } = await manager.streams.info(name);
      // What has expired meanwhile is gone; the numbers go on all the same.
      if (state.last_seq < expected.lastSequence || state.messages > expected.messages) {
        throw new CliError(`${name} is not what was saved: it ends at ${state.last_seq}, not ${expected.lastSequence}`);
      }
      messages += state.messages;
    }
    return `${messages} messages, compared`;
  } finally {
    await connection.close();
  }
}

function requireEmptyOrForce(stateDir: string, force: boolean): void {
  const phase = readLiveState(stateDir)?.phase;
  if (phase !== undefined && phase !== 'stopped' && phase !== 'failed')
    throw new CliError('the stack runs', { advice: ['./oxo down first'] });
  const present = presentIn(stateDir);
  if (present.length > 0 && !force) throw notEmpty(`${stateDir} holds ${present.join(' and ')}`);
}

function notEmpty(problem: string): CliError {
  return new CliError(`there is something already: ${problem}`, {
    advice: ['Set OXO_STATE_DIR to a folder that is empty, or say --force to replace what is there.'],
  });
}
