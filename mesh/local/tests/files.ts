import { globSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../settings.ts';

/** A file of tests, and on what it runs. */
export type TestFile = {
  readonly path: string;
  /** The Redis of its services is a cluster of three nodes instead of one server. */
  readonly isOnCluster: boolean;
};

/** What a feed is made of in Redis. Its scripts, groups and retries are others on a cluster, so a run of all tests tries both. */
const onBoth = new Set(
  [
    'events/on-post-created',
    'feed/arrivals',
    'feed/candidates',
    'feed/pulled-posts',
    'feed/window',
    'handlers/get-feed',
  ].map((name) => `services/feed/${name}.test.ts`),
);

/** @param filters texts of which the path holds one; none: all files, and some of them once more, on a cluster */
export function findFiles(filters: readonly string[], isOnCluster: boolean): TestFile[] {
  const found = globSync('{gateway,mesh,services}/**/*.test.ts', { cwd: repositoryRoot }).sort();
  const wanted = found.filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)));
  const again = filters.length === 0 && !isOnCluster ? wanted.filter((path) => onBoth.has(path)) : [];
  const file = (path: string, isOnCluster: boolean) => ({ path: join(repositoryRoot, path), isOnCluster });
  return [...wanted.map((path) => file(path, isOnCluster)), ...again.map((path) => file(path, true))];
}
