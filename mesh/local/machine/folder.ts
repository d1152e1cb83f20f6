import { accessSync, closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { CliError, messageOf } from '../cli/cli-error.ts';

/**
 * Makes a folder that a setting names, and makes sure that files can be made in it.
 * @param variable the setting
 * @throws CliError that says which setting to change
 */
export function requireFolder(path: string, variable: string): void {
  try {
    makeFolder(path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new CliError(`${path} can't be used: ${messageOf(error)}`, {
      advice: [`Set ${variable} to a folder in which you may write.`],
      cause: error,
    });
  }
}

/** Brings a file, or the names in a folder, to the disk, where a power cut leaves it. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Step by step: what Node does by itself (`recursive`) never ends below /proc. */
function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder) && folder !== dirname(folder); folder = dirname(folder)) {
    missing.push(folder);
  }
  for (const folder of missing.toReversed()) mkdirSync(folder, { mode: 0o755 });
  // A file in its place is found by looking into it.
  if (missing.length === 0) accessSync(`${path}/.`, constants.F_OK);
}
