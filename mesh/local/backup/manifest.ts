import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { CliError, messageOf } from '../cli/cli-error.ts';

/** What a backup's folder holds besides this description. */
export const backupFiles = { manifest: 'manifest.json', secrets: 'secrets.json' } as const;
/** Of backups from before each schema had a file of its own. */
export const oldDump = 'postgres.dump';

/** What a schema's tables are saved in. */
export function schemaFile(schema: string): string {
  return `${schema}.dump`;
}

/** What a stream's messages are saved in. */
export function streamFile(stream: string): string {
  return `${stream}.stream`;
}

const count = z.int().min(0);
const snapshot = z.looseObject({ config: z.looseObject({ name: z.string() }) });

const manifestSchema = z.object({
  /** Of this format. */
  format: z.literal([1, 2]),
  createdAt: z.string(),
  /** Of this code, and of the servers. */
  versions: z.object({ oxo: z.string(), postgres: z.string(), nats: z.string() }),
  publicUrl: z.string(),
  /** By schema. */
  schemas: z.record(
    z.string(),
    z.object({ file: z.string().default(oldDump), migrations: z.array(z.string()), rows: z.record(z.string(), count) }),
  ),
  /** By name; config and state as the server wrote them. */
  streams: z.record(z.string(), z.object({ file: z.string(), messages: count, lastSequence: count, snapshot })),
  /** Consumer → the number up to which it had handled everything before the tables were read. */
  consumers: z.record(z.string(), z.object({ stream: z.string(), handled: count })),
  /** By name inside the folder. */
  files: z.record(z.string().regex(/^[\w-][\w.-]*$/), z.object({ bytes: count, sha256: z.string() })),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** Size and SHA-256 of a file. */
export async function fingerprint(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}

/**
 * Reads the description of a backup and compares every file with it.
 * @throws CliError that names what is missing or not what was written
 */
export async function readVerified(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder);
  for (const [name, expected] of Object.entries(manifest.files)) {
    const actual = await fingerprint(join(folder, name)).catch((error: unknown) => {
      throw damaged(folder, `${name} can't be read: ${messageOf(error)}`);
    });
    if (actual.sha256 !== expected.sha256) {
      throw damaged(folder, `${name} is not what was written (${actual.bytes} bytes, ${expected.bytes} expected)`);
    }
  }
  return manifest;
}

async function readManifest(folder: string): Promise<Manifest> {
  try {
    const text = await readFile(join(folder, backupFiles.manifest), 'utf8');
    const manifest = manifestSchema.parse(JSON.parse(text));
    const needed = [
      backupFiles.secrets,
      ...Object.values(manifest.schemas).map(({ file }) => file),
      ...Object.values(manifest.streams).map(({ file }) => file),
    ];
    const missing = needed.filter((name) => manifest.files[name] === undefined);
    if (missing.length > 0) throw damaged(folder, `it does not know ${missing.join(', ')}`);
    return manifest;
  } catch (error) {
    if (error instanceof CliError) throw error;
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isAbsent) throw new CliError(`${folder} is no backup: it has no ${backupFiles.manifest}`);
    throw damaged(folder, `${backupFiles.manifest} is no description of a backup that this code knows`);
  }
}

function damaged(folder: string, problem: string): CliError {
  return new CliError(`the backup in ${folder} can't be used: ${problem}`, {
    advice: ['Nothing was changed. Take another copy of it, or an older backup.'],
  });
}
