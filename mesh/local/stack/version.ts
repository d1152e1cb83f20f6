import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../settings.ts';

/** What the processes of services and front door are made of, and what says how they are run. */
const sources = [
  'services/**/*.{ts,lua}',
  'mesh/kit/**/*.{ts,lua}',
  'gateway/**/*.{ts,lua,yaml}',
  'gen/**/*',
  'mesh/local/{parts,servers,stack,supervisor}/*.ts',
  'mesh/local/{ports,secrets,services,settings}.ts',
  'package-lock.json',
];

/**
 * Names the code of a checkout by its content, since a checkout need not have a history: 12 hexadecimal digits.
 * @param root of the checkout
 */
export function codeVersion(root: string = repositoryRoot): string {
  const found = globSync(sources, { cwd: root, withFileTypes: true });
  const paths = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash('sha256');
  for (const path of paths.filter((name) => !name.endsWith('.test.ts')).sort()) {
    const content = readFileSync(path);
    hash.update(`${path.slice(root.length)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 12);
}
