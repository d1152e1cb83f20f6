import { createHash } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';

const manifestName = '.oxo-manifest.json';

/** By path inside the folder. A file whose size and time of change are these is not read again. */
const manifestSchema = z.record(z.string(), z.object({ sha256: z.string(), bytes: z.number(), changedMs: z.number() }));

type Manifest = z.infer<typeof manifestSchema>;

/** Records what every file of an unpacked part is, to be found out of order later. */
export async function writeManifest(folder: string): Promise<void> {
  const manifest: Manifest = {};
  for (const path of await filesOf(folder)) {
    const { size, ctimeMs } = await stat(path);
    manifest[relative(folder, path)] = { sha256: await hashOf(path), bytes: size, changedMs: ctimeMs };
  }
  await writeFile(join(folder, manifestName), JSON.stringify(manifest));
}

/** Whether every file is there as it was unpacked; false also when nothing is known about it. */
export async function isIntact(folder: string): Promise<boolean> {
  try {
    const text = await readFile(join(folder, manifestName), 'utf8');
    const manifest = Object.entries(manifestSchema.parse(JSON.parse(text)));
    const intact = await Promise.all(manifest.map(([name, entry]) => isUnchanged(join(folder, name), entry)));
    return intact.length > 0 && intact.every(Boolean);
  } catch {
    return false;
  }
}

async function isUnchanged(path: string, { sha256, bytes, changedMs }: Manifest[string]): Promise<boolean> {
  const { size, ctimeMs } = await stat(path);
  if (size !== bytes) return false;
  // A copied or linked cache has other times, and the same content.
  return ctimeMs === changedMs || (await hashOf(path)) === sha256;
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
