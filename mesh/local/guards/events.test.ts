/** Whoever reads an event defines it again, beside its handler: what it says must be what the contract says. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../settings.ts';

type Contracts = Readonly<Record<string, string>>;

/** The subject of each event by its message ("oxo/post/v1/post_events.PostCreated"), as the comment of the message says. */
function subjectsIn(path: string, proto: string): Contracts {
  const messages = [...proto.matchAll(/((?:^\/\/.*\n)*)^message (\w+) \{/gm)];
  return Object.fromEntries(
    messages.map(([, comment = '', message]) => {
      const [, subject = ''] = /^\/\/ Subject ([a-z_]+(?:\.[a-z_]+)+)[.,](?:\s|$)/.exec(comment) ?? [];
      return [`${path.replace(/^proto\/|\.proto$/g, '')}.${message}`, subject];
    }),
  );
}

/** What the definitions of events in a file say that the contracts do not. */
function wrongDefinitions(path: string, text: string, contracts: Contracts): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/function defineEvent\b/, '');
  const modules = new Map<string, string>();
  for (const [, names = '', module = ''] of code.matchAll(/import \{([^}]*)\} from '#gen\/([^']+)\.ts'/g)) {
    for (const name of names.split(',')) modules.set(name.trim(), module);
  }
  return [...code.matchAll(/\bdefineEvent(?:<[^>]*>)?\(([^)]*)\)?/g)].flatMap(([, values = '']) => {
    const [, subject, message = ''] = /^\s*'([^']*)',\s*(\w+),?\s*$/.exec(values) ?? [];
    if (subject === undefined) return [`${path}: defineEvent(${values}) is not of a text and a message`];
    const declared = contracts[`${modules.get(message)}.${message}`];
    if (declared === subject) return [];
    return [`${path}: ${message} is not the event ${subject}: its contract says ${declared || 'nothing'}`];
  });
}

const contracts: Contracts = Object.assign(
  {},
  ...globSync('proto/oxo/*/v1/*_events.proto', { cwd: repositoryRoot }).map((path) =>
    subjectsIn(path, readFileSync(join(repositoryRoot, path), 'utf8')),
  ),
);

const source = (subject: string, message: string, module = 'post/v1/post_events') =>
  `import { ${message}, Other } from '#gen/oxo/${module}.ts';\nconst event = defineEvent('${subject}', ${message});\n`;

test('a definition that differs from its contract is seen', () => {
  assert.deepEqual(wrongDefinitions('a.ts', source('post.created', 'PostCreated'), contracts), []);
  const wrong = [
    source('post.create', 'PostCreated'),
    source('post.created', 'PostUpdated'),
    source('post.created', 'PostCreated', 'user/v1/user_events'),
    source('post.created', 'Post', 'post/v1/post'),
    source('post.created', 'PostCreated').replace("'post.created'", 'SUBJECT'),
  ];
  for (const text of wrong) assert.equal(wrongDefinitions('a.ts', text, contracts).length, 1, text);
});

test('every message of an event says its subject, and no two the same', () => {
  const subjects = Object.values(contracts);
  assert.ok(subjects.length > 10);
  assert.deepEqual(
    Object.keys(contracts).filter((message) => contracts[message] === ''),
    [],
  );
  assert.equal(new Set(subjects).size, subjects.length);
});

test('whoever publishes or reads an event defines it as its contract does', () => {
  const paths = globSync('{services,mesh/kit}/**/*.ts', { cwd: repositoryRoot });
  const files = paths
    .filter((path) => !/\.test\.ts$|\/testing\/|\/node_modules\//.test(path))
    .map((path) => ({ path, text: readFileSync(join(repositoryRoot, path), 'utf8') }));
  const definitions = files.filter(({ text }) => text.includes("defineEvent('"));
  assert.ok(definitions.length > 5);
  assert.deepEqual(
    files.flatMap(({ path, text }) => wrongDefinitions(path, text, contracts)),
    [],
  );
});
