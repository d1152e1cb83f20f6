import { STREAMS } from '#kit/events/jetstream/streams.ts';
import { CliError } from '../cli/cli-error.ts';
import { auditOwner, migrationNames, type ServiceDefinition } from '../services.ts';
import { backupFiles, type Manifest, oldDump, schemaFile, streamFile } from './manifest.ts';

/**
 * A description decides what is dropped and replaced, so it may only name what is ours.
 * @throws CliError when newer code made the backup, or somebody changed its description
 */
export function requireKnown(manifest: Manifest, services: readonly ServiceDefinition[]): void {
  const schemas = [...services, auditOwner].map(({ schema }) => schema);
  const streams = STREAMS.map(({ name }) => String(name));
  refuse('schema', Object.keys(manifest.schemas), schemas);
  refuse('stream', Object.keys(manifest.streams), streams);
  const files = [backupFiles.secrets, oldDump, ...schemas.map(schemaFile), ...streams.map(streamFile)];
  refuse('file', Object.keys(manifest.files), files);
  for (const [name, { file }] of Object.entries(manifest.schemas)) {
    refuse(`file of ${name}`, [file], [oldDump, schemaFile(name)]);
  }
  for (const [name, { file, snapshot }] of Object.entries(manifest.streams)) {
    refuse(`file of ${name}`, [file], [streamFile(name)]);
    refuse(`snapshot of ${name}`, [snapshot.config.name], [name]);
  }
  for (const [name, { stream, handled }] of Object.entries(manifest.consumers)) {
    refuse(`stream of consumer ${name}`, [stream], Object.keys(manifest.streams));
    const last = manifest.streams[stream]?.lastSequence ?? 0;
    if (handled > last) throw refusal(`consumer ${name} is said to be at ${handled}, and ${stream} ends at ${last}`);
  }
  requireKnownMigrations(manifest, services);
}

function refuse(what: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw refusal(`it names an unknown ${what}: ${unknown.join(', ')}`);
}

function refusal(problem: string): CliError {
  return new CliError(`the backup can't be used: ${problem}`, {
    advice: ['It is of another release, or was changed. Nothing was touched.'],
  });
}

function requireKnownMigrations(manifest: Manifest, services: readonly ServiceDefinition[]): void {
  for (const [schema, { migrations }] of Object.entries(manifest.schemas)) {
    const service = services.find((candidate) => candidate.schema === schema);
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
