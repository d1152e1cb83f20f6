import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** One operation, as far as the list of all shows it. */
export interface Operation {
  id: string;
  method: string;
  path: string;
  summary: string;
  description: string;
  /** Scopes that it needs; empty for none. */
  scopes: readonly string[];
}

/** What belongs together. */
export interface Section {
  name: string;
  description: string;
  operations: readonly Operation[];
}

export interface Description {
  title: string;
  version: string;
  description: string;
  sections: readonly Section[];
  /** Every reason of an error by its name, with its HTTP status and what it means. */
  reasons: readonly { name: string; meaning: string }[];
}

interface Document {
  info: { title: string; version: string; description: string };
  tags: readonly { name: string; description: string }[];
  paths: Readonly<Record<string, Readonly<Record<string, DocumentOperation>>>>;
  components: { examples: Readonly<Record<string, { summary: string }>> };
}

interface DocumentOperation {
  operationId: string;
  tags: readonly string[];
  summary: string;
  description: string;
  security: readonly Readonly<Record<string, readonly string[]>>[];
}

/** Reads openapi.yaml. */
export function readDescription(openapiPath: string): Description {
  const { info, tags, paths, components } = parse(readFileSync(openapiPath, 'utf8')) as Document;
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  return {
    ...info,
    sections: tags.map(({ name, description }) => ({
      name,
      description,
      operations: all
        .filter(({ operation }) => operation.tags.includes(name))
        .map(({ method, path, operation }) => ({
          id: operation.operationId,
          method,
          path,
          summary: operation.summary,
          description: operation.description,
          scopes: [...new Set(operation.security.flatMap((one) => Object.values(one).flat()))],
        })),
    })),
    reasons: Object.entries(components.examples).map(([name, { summary }]) => ({ name, meaning: summary })),
  };
}
