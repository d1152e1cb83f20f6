/**
 * A connection prepares a statement under its name, and the driver refuses the name with another text. Whether two meet on one connection is
 * chance, so the names of a service and of the kit are all different.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../settings.ts';

/** The names of the statements that a text defines: as constants, and by what makes several of one kind. */
function statementNames(text: string): string[] {
  const constants = text.matchAll(/\bname: '([^']+)',\s*text:/g);
  const cleanUps = text.matchAll(/\bdefineCleanUp\(\{\s*name: '([^']+)'/g);
  const made = [...text.matchAll(/\b(\w+) ?(?:= )?\(name: string,[^)]*\): Statement\b/g)].flatMap(([, maker]) => [
    ...text.matchAll(new RegExp(`\\b${maker}\\('([^']+)'`, 'g')),
  ]);
  return [...constants, ...cleanUps, ...made].map(([, name = '']) => name);
}

function sourcesIn(folder: string): string[] {
  const paths = globSync(`${folder}/**/*.ts`, { cwd: repositoryRoot });
  const sources = paths.filter((path) => !path.endsWith('.test.ts') && !path.includes('/testing/'));
  return sources.map((path) => readFileSync(join(repositoryRoot, path), 'utf8'));
}

function twice(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

test('every kind of statement is seen', () => {
  const kinds = [
    "const FIND = { name: 'a', text: 'select 1' };\n",
    "export const LIST: Statement = {\n  name: 'a',\n  text: `select 2`,\n};\n",
    "const OLD = defineCleanUp({ name: 'a', table: 'b', where: 'c' });\n",
    "const rowsOf = (name: string, table: string): Statement => ({});\nconst ALL = [rowsOf('a', 'b')];\n",
    "function list(name: string, of: string): Statement {}\nconst ALL = list('a', 'b');\n",
  ];
  for (const text of kinds) assert.deepEqual(statementNames(text), ['a'], text);
  assert.deepEqual(twice(kinds.slice(0, 2).flatMap(statementNames)), ['a']);
});

test('no two statements of a service have one name', () => {
  const ofKit = sourcesIn('mesh/kit').flatMap(statementNames);
  const services = globSync('services/*', { cwd: repositoryRoot });
  assert.ok(ofKit.length > 8 && services.length >= 4);
  for (const service of services) {
    const names = sourcesIn(service).flatMap(statementNames);
    assert.deepEqual(twice([...ofKit, ...names]), [], service);
  }
});
