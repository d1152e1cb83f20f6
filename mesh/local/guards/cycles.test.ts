/** The folders of a service, and of the kit, stand above each other: none reaches itself by what it imports. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../settings.ts';

type Import = { readonly from: string; readonly to: string };
/** An import from one folder in another. */
type Crossing = Import & { readonly above: string; readonly below: string };

/** `services/auth/mail`, and a file that lies in none: `services/auth/events.ts`. Undefined outside of services and the kit. */
const folderOf = (path: string): string | undefined => /^(services\/\w+|mesh\/kit)\/[^/]+/.exec(path)?.[0];
const wholeOf = (folder: string): string => dirname(folder);

function importsOf(path: string, text: string): Import[] {
  const specifiers = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'((?:\.{1,2}|#kit)\/[^']+)'/g);
  return [...specifiers].map(([, specifier = '']) => ({
    from: path,
    to: specifier.startsWith('#kit/')
      ? specifier.replace('#kit/', 'mesh/kit/')
      : normalize(join(dirname(path), specifier)),
  }));
}

/** The shortest way by which a folder reaches itself. */
function circleThrough(folder: string, crossings: readonly Crossing[]): Crossing[] | undefined {
  const reached = new Set<string>();
  const onFrom = (above: string, way: Crossing[]): Crossing[][] =>
    crossings.filter((each) => each.above === above).map((each) => [...way, each]);
  let ways = onFrom(folder, []);
  while (ways.length > 0) {
    const circle = ways.find((way) => way.at(-1)?.below === folder);
    if (circle !== undefined) return circle;
    ways = ways.flatMap((way) => {
      const last = way.at(-1)?.below ?? '';
      if (reached.has(last)) return [];
      reached.add(last);
      return onFrom(last, way);
    });
  }
  return undefined;
}

/** Of each whole the shortest circle that its folders make, as "path imports path". */
function circles(sources: Readonly<Record<string, string>>): string[] {
  const crossings = Object.entries(sources)
    .flatMap(([path, text]) => importsOf(path, text))
    .flatMap((each): Crossing[] => {
      const [above, below] = [folderOf(each.from), folderOf(each.to)];
      const isCrossing = above !== below && above !== undefined && below !== undefined;
      return isCrossing && wholeOf(above) === wholeOf(below) ? [{ ...each, above, below }] : [];
    });
  const byWhole = Object.values(Object.groupBy(crossings, ({ above }) => wholeOf(above)));
  return byWhole.flatMap((own = []) => {
    const folders = [...new Set(own.map(({ above }) => above))];
    const found = folders.map((folder) => circleThrough(folder, own)).filter((circle) => circle !== undefined);
    const [shortest = []] = found.sort((one, other) => one.length - other.length);
    return shortest.map(({ from, to }) => `${from} imports ${to}`);
  });
}

test('folders that import each other are seen, however long the way around is', () => {
  const sources = {
    'services/x/server.ts': "import { a } from './a/a.ts';\n",
    'services/x/a/a.ts': "import { b } from '../b/b.ts';\nimport { e } from '../events.ts';\n",
    'services/x/b/b.ts': "import {\n  type C,\n  d,\n} from '../c/deep/c.ts';\nimport { z } from '#kit/z/z.ts';\n",
    'services/x/c/deep/c.ts': "export { b } from '../c.ts';\nimport type { A } from '../../a/a.ts';\n",
    'services/x/d/d.ts': "import { c } from '../c/c.ts';\n",
    'services/y/a/a.ts': "import { b } from '../b/b.ts';\n",
    'services/y/b/b.ts': "const { c } = await import('../c.ts');\n",
    'services/y/c.ts': "export * from './a/a.ts';\n",
    'mesh/kit/z/z.ts': "import { v } from '../v.ts';\nimport { y } from '#kit/y/y.ts';\n",
    'mesh/kit/y/y.ts': "import { z } from '#kit/z/z.ts';\n",
  };
  assert.deepEqual(circles(sources), [
    'services/x/a/a.ts imports services/x/b/b.ts',
    'services/x/b/b.ts imports services/x/c/deep/c.ts',
    'services/x/c/deep/c.ts imports services/x/a/a.ts',
    'services/y/a/a.ts imports services/y/b/b.ts',
    'services/y/b/b.ts imports services/y/c.ts',
    'services/y/c.ts imports services/y/a/a.ts',
    'mesh/kit/z/z.ts imports mesh/kit/y/y.ts',
    'mesh/kit/y/y.ts imports mesh/kit/z/z.ts',
  ]);
});

test('folders that stand above each other are let through', () => {
  const sources = {
    'services/x/server.ts': "import { a } from './a/a.ts';\nimport { b } from './b/b.ts';\n",
    'services/x/a/a.ts': "import { b } from '../b/b.ts';\nimport { c } from './c.ts';\n",
    'services/x/a/c.ts': "import { a } from './a.ts';\n",
    'services/x/b/b.ts': "import { e } from '../events.ts';\nimport { z } from '#kit/z.ts';\n",
  };
  assert.deepEqual(circles(sources), []);
});

test('no folder of a service or of the kit reaches itself', () => {
  const paths = globSync('{services/*,mesh/kit}/**/*.ts', { cwd: repositoryRoot });
  // Tests reach for whatever they need.
  const own = paths.filter((path) => !/\/testing\/|\.test\.ts$/.test(path));
  assert.ok(own.length > 200);
  const sources = Object.fromEntries(own.map((path) => [path, readFileSync(join(repositoryRoot, path), 'utf8')]));
  assert.deepEqual(circles(sources), []);
});
