import { existsSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { systemClock } from '#kit/clock.ts';
import { CliError } from '../cli-error.ts';
import { requireFolder } from '../folder.ts';
import { writePrivately } from '../secrets.ts';
import { connectOnce } from '../servers/nats.ts';
import { setUpStreams } from '../servers/streams.ts';
import { migrationNames, type ServiceDefinition, services } from '../services.ts';
import type { Settings } from '../settings.ts';
import { planStack, type StackPlan } from '../stack/plan.ts';
import { setUpServers } from '../stack/servers.ts';
import { startStack } from '../stack.ts';
import { readLiveState } from '../supervisor/state.ts';
import { countRows, type RunStep } from './backup.ts';
import { hasTables, restoreDatabase } from './database.ts';
import { backupFiles, type Manifest, readVerified } from './manifest.ts';
import { loadStream, type Snapshot, setPosition } from './streams.ts';

/** What of a state folder is replaced; logs stay. */
const replaced = ['data', 'secrets.json'];

export type RestoreOptions = { readonly force: boolean; readonly step: RunStep };

/**
 * Fills a stack that is down and empty with a backup, compares it, and leaves it down.
 * With `force` it may hold something: the data folder is moved aside (and named), schemas and streams on servers of one's own are replaced.
 * @throws CliError; then the state folder is as it was
 */
export async function restoreBackup(
  settings: Settings,
  folder: string,
  options: RestoreOptions,
): Promise<{ manifest: Manifest; aside: string | undefined }> {
  const { force, step } = options;
  let manifest: Manifest | undefined;
  await step('checksums', async () => {
    manifest = await readVerified(folder);
    return `of ${Object.keys(manifest.files).length} files, written ${manifest.createdAt}`;
  });
  if (manifest === undefined) throw new Error('the backup was not read');
  requireKnownMigrations(manifest, services);
  requireEmptyOrForce(settings.stateDir, force);
  const aside = await moveAside(settings.stateDir, manifest);
  try {
    writePrivately(join(settings.stateDir, 'secrets.json'), await readFile(join(folder, backupFiles.secrets), 'utf8'));
    await fillServers(settings, folder, manifest, options);
    return { manifest, aside };
  } catch (error) {
    for (const name of replaced) await rm(join(settings.stateDir, name), { recursive: true, force: true });
    if (aside !== undefined) await moveBack(settings.stateDir, aside);
    throw error;
  }
}

async function fillServers(
  settings: Settings,
  folder: string,
  manifest: Manifest,
  { force, step }: RestoreOptions,
): Promise<void> {
  const options = { ...settings, serversOnly: true };
  const stack = await startStack(options);
  try {
    const plan = planStack(options);
    if (!force && (await hasTables(plan.urls.database, plan.services)))
      throw notEmpty('the schemas in DATABASE_URL hold tables');
    await step('Postgres', async () => {
      const dump = join(folder, backupFiles.database);
      await restoreDatabase(plan.urls.database, plan.cacheDir, plan.services, dump, manifest.schemas);
      return `${countRows(manifest.schemas)} rows, compared`;
    });
    // Roles and rights as this code wants them.
    await setUpServers(plan, (_, work) => work());
    await step('streams', () => fillStreams(plan, folder, manifest, force));
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

/** @throws CliError when newer code made the backup */
function requireKnownMigrations(manifest: Manifest, known: readonly ServiceDefinition[]): void {
  for (const [schema, { migrations }] of Object.entries(manifest.schemas)) {
    const service = known.find((candidate) => candidate.schema === schema);
    const own = service === undefined ? [] : migrationNames(service.name);
    const unknown = migrations.filter((name) => !own.includes(name));
    if (unknown.length === 0) continue;
    throw new CliError(`the backup is of a newer release: it has migrations ${unknown.join(', ')} of ${schema}`, {
      advice: [
        `It was made by version ${manifest.versions.oxo}; restore it with that one or a newer one. Nothing was changed.`,
      ],
    });
  }
}

function requireEmptyOrForce(stateDir: string, force: boolean): void {
  requireFolder(stateDir, 'OXO_STATE_DIR');
  const phase = readLiveState(stateDir)?.phase;
  if (phase !== undefined && phase !== 'stopped' && phase !== 'failed')
    throw new CliError('the stack runs', { advice: ['./oxo down first'] });
  const present = replaced.filter((name) => existsSync(join(stateDir, name)));
  if (present.length > 0 && !force) throw notEmpty(`${stateDir} holds ${present.join(' and ')}`);
}

function notEmpty(problem: string): CliError {
  return new CliError(`there is something already: ${problem}`, {
    advice: ['Set OXO_STATE_DIR to a folder that is empty, or say --force to replace what is there.'],
  });
}

/** What was there is kept. @returns where */
async function moveAside(stateDir: string, manifest: Manifest): Promise<string | undefined> {
  const present = replaced.filter((name) => existsSync(join(stateDir, name)));
  if (present.length === 0) return undefined;
  const stamp = new Date(systemClock.nowMs()).toISOString().replaceAll(/[:.]/g, '-');
  const aside = join(stateDir, `before-restore-${stamp}`);
  requireFolder(aside, `OXO_STATE_DIR (for the restore of ${manifest.createdAt})`);
  for (const name of present) await rename(join(stateDir, name), join(aside, name));
  return aside;
}

async function moveBack(stateDir: string, aside: string): Promise<void> {
  for (const name of replaced) {
    if (existsSync(join(aside, name))) await rename(join(aside, name), join(stateDir, name));
  }
  await rm(aside, { recursive: true, force: true });
}
