/** What a module exports, another imports: else it is dead, or nobody's business. Types are left to their readers. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../settings.ts';

type Sources = Readonly<Record<string, string>>;

/** Imported by a path that is made when it runs (`services.ts`, `oxo.ts`), or offered to tests that are still to come. */
const isExempt = /^(services\/\w+\/(schema|events\/durables)|mesh\/(local|lab)\/commands\/.*|.*\/testing\/.*)\.ts$/;

/** Values that are exported and that no other file imports, as "path: name". */
function unused(sources: Sources): string[] {
  const imported = new Set<string>();
  for (const [path, text] of Object.entries(sources)) {
    const imports = text.matchAll(/^(?:import|export) (?:type )?\{([^}]*)\} from '([^']+)'/gm);
    const dynamic = text.matchAll(/const \{([^}]*)\}(?:: \w+)? = await import\(\s*'([^']+)'/g);
    const later = [...text.matchAll(/import\('([^']+)'\)\.then\(\(\{([^}]*)\}\) =>/g)].map(
      ([all, from = '', names = '']) => [all, names, from],
    );
    for (const [, names = '', from = ''] of [...imports, ...dynamic, ...later]) {
      const target = from.startsWith('#kit/')
        ? from.replace('#kit/', 'mesh/kit/')
        : normalize(join(dirname(path), from));
      for (const name of names.split(',')) imported.add(`${target}: ${name.trim().replace(/^type |( as |:).*$/g, '')}`);
    }
    for (const [, , from = ''] of text.matchAll(/^import \* as (\w+) from '([^']+)'/gm)) {
      imported.add(`${normalize(join(dirname(path), from))}: *`);
    }
  }
  return Object.entries(sources)
    .filter(([path]) => !isExempt.test(path) && !imported.has(`${path}: *`))
    .flatMap(([path, text]) => {
      const names = text.matchAll(/^export (?:async )?(?:const|let|class|function\*?) (\w+)/gm);
      return [...names].map(([, name]) => `${path}: ${name}`).filter((each) => !imported.has(each));
    });
}

test('an export that nobody imports is seen', () => {
  const sources = {
    'mesh/kit/a.ts':
      'export const A = 1;\nexport function b() {}\nexport async function c() {}\nexport class D {}\nexport const E = 1;\n',
    'services/x/e.ts': "import { A } from '#kit/a.ts';\nexport { b as z } from '../../mesh/kit/a.ts';\n",
    'services/x/f.ts':
      "const { D: d } = await import('../../mesh/kit/a.ts');\nexport const A = 2;\nimport('../../mesh/kit/a.ts').then(({ E }) => E);\n",
  };
  assert.deepEqual(unused(sources), ['mesh/kit/a.ts: c', 'services/x/f.ts: A']);
});

test('every value that is exported is imported somewhere', () => {
  const paths = globSync('{services,mesh,gateway}/**/*.ts', {
    cwd: repositoryRoot,
    exclude: (path) => /(^|\/)(node_modules|\.oxo)$/.test(path),
  });
  assert.ok(paths.length > 300);
  const sources = Object.fromEntries(paths.map((path) => [path, readFileSync(join(repositoryRoot, path), 'utf8')]));
  assert.deepEqual(unused(sources), []);
});
