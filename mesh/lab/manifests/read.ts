import { parseAllDocuments } from 'yaml';
import { CliError } from '../../local/cli/cli-error.ts';
import type { Manifest } from './apply.ts';

/**
 * The objects of a file of manifests.
 * @throws CliError when it is no YAML, or an object has no kind or name
 */
export function readManifests(text: string, from: string): Manifest[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    if (document.errors.length > 0) throw new CliError(`${from}: ${document.errors[0]?.message}`);
    const object = document.toJS({ maxAliasCount: 10_000 }) as Manifest | null;
    if (object === null) return [];
    if (!object.kind || !object.apiVersion || !object.metadata?.name)
      throw new CliError(`${from}: an object has no apiVersion, kind or name`);
    return [object];
  });
}
