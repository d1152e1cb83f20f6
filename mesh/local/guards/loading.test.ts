/** Packages that not every installation needs are loaded when they are first asked for: each takes 10 to 25 MiB of a process. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../settings.ts';

type Sources = Readonly<Record<string, string>>;

const loadedLater =
  /^(oidc-provider|nodemailer|@simplewebauthn\/server|nice-grpc-server-reflection|@opentelemetry\/sdk-.*)(\/|$)/;

/** What a module loads before it runs: by `import` or `export … from` that are more than types. */
function loadedBy(path: string, text: string): string[] {
  const statements = text.matchAll(/^(?:import|export) (?!type )(?:[^';]*?from )?'([^']+)';$/gms);
  return [...statements].map(([, specifier = '']) => {
    if (specifier.startsWith('#kit/')) return specifier.replace('#kit/', 'mesh/kit/');
    if (specifier.startsWith('#gen/')) return specifier.replace('#gen/', 'gen/ts/');
    return specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier;
  });
}

/** Packages that are to be loaded later and are loaded with the entry, each as the way to it. */
function loadedTooSoon(sources: Sources, entry: string): string[] {
  const ways = new Map([[entry, entry]]);
  const found: string[] = [];
  for (const [path, way] of ways) {
    for (const loaded of loadedBy(path, sources[path] ?? '')) {
      if (loadedLater.test(loaded)) found.push(`${way} > ${loaded}`);
      else if (loaded in sources && !ways.has(loaded)) ways.set(loaded, `${way} > ${loaded}`);
    }
  }
  return found;
}

test('a package that is loaded at the start is seen with the way to it', () => {
  const sources = {
    'services/x/main.ts': "import { a } from './a.ts';\nimport type { T } from 'nodemailer';\nimport '#kit/b.ts';\n",
    'services/x/a.ts':
      "import {\n  type B,\n  c,\n} from '@simplewebauthn/server/helpers';\nawait import('./late.ts');\n",
    'services/x/late.ts': "import Provider from 'oidc-provider';\n",
    'mesh/kit/b.ts': "export { x } from 'nodemailer';\n",
  };
  assert.deepEqual(loadedTooSoon(sources, 'services/x/main.ts'), [
    'services/x/main.ts > services/x/a.ts > @simplewebauthn/server/helpers',
    'services/x/main.ts > mesh/kit/b.ts > nodemailer',
  ]);
});

test('no service loads at its start what only some installations need', () => {
  const paths = globSync('{services,mesh/kit,gen/ts}/**/*.ts', { cwd: repositoryRoot });
  const sources = Object.fromEntries(paths.map((path) => [path, readFileSync(join(repositoryRoot, path), 'utf8')]));
  const entries = paths.filter((path) => /^services\/\w+\/main\.ts$/.test(path));
  assert.ok(entries.length >= 4);
  for (const entry of [...entries, 'mesh/kit/observability/telemetry.ts'])
    assert.deepEqual(loadedTooSoon(sources, entry), []);
});
