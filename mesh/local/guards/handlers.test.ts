/** What every handler of every service keeps to. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isReason } from '../../kit/errors.ts';
import { repositoryRoot } from '../settings.ts';

/** The lines of functions that build a schema of zod, which costs more than the call; a schema is a constant of its module. */
function schemasInFunctions(text: string): string[] {
  let inFunction = false;
  return text.split('\n').filter((line) => {
    if (/^(export )?(default )?(async )?function\b/.test(line) || /^(export )?const .*=>/.test(line)) inFunction = true;
    const found = inFunction && /\bz\.\w+\(/.test(line);
    if (/^[})]/.test(line) || (inFunction && /^(export )?const .*;$/.test(line))) inFunction = false;
    return found;
  });
}

test('a schema that is built per request is seen', () => {
  const kinds = [
    'export function getUser({ db }) {\n  return async (request) => {\n    validate(z.object({ id: id() }), request);\n  };\n}\n',
    'function inputFor(viewerId) {\n  return z.object({\n    id: id(),\n  });\n}\n',
    'const inputFor = (viewerId) => z.object({ id: id() });\n',
    'const inputFor = (viewerId) =>\n  z.object({ id: id() });\n',
  ];
  for (const text of kinds) assert.equal(schemasInFunctions(text).length, 1, text);
  const constants = 'const input = z.object({\n  id: z.string(),\n});\n\nexport function a() {\n  return 1;\n}\n';
  assert.deepEqual(schemasInFunctions(constants), []);
  assert.deepEqual(schemasInFunctions(`${kinds[2]}${constants}`).length, 1);
});

/** The text of each handler, by its path. */
function readHandlers(): [string, string][] {
  const paths = globSync('services/*/handlers/**/*.ts', { cwd: repositoryRoot });
  const handlers = paths.filter((path) => !path.endsWith('.test.ts'));
  assert.ok(handlers.length > 20);
  return handlers.map((path) => [path, readFileSync(join(repositoryRoot, path), 'utf8')]);
}

test('no handler builds a schema per request', () => {
  const found = readHandlers().flatMap(([path, text]) =>
    schemasInFunctions(text).map((line) => `${path}: ${line.trim()}`),
  );
  assert.deepEqual(found, []);
});

/** The functions that are exported and whose docstring does not say what they throw. */
function withoutThrows(text: string): string[] {
  const functions = text.matchAll(/(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^export function (\w+)/gm);
  return [...functions].filter(([, comment = '']) => !comment.includes('@throws')).map(([, , name = '']) => name);
}

test('each handler says what it throws', () => {
  const said = '/** Ends it. @throws OxoError VALIDATION_FAILED */\nexport function end() {}\n';
  assert.deepEqual(withoutThrows(`${said}/** Begins it. */\nexport function begin() {}\nexport function go() {}\n`), [
    'begin',
    'go',
  ]);
  const found = readHandlers().flatMap(([path, text]) => withoutThrows(text).map((name) => `${path}: ${name}`));
  assert.deepEqual(found, []);
});

/** What docstrings say is thrown by the name of a reason that does not exist. */
function unknownReasons(text: string): string[] {
  const said = [...text.matchAll(/@throws OxoError((?:(?!\*\/|\n \* @)[\s\S])*)/g)].map(([, words = '']) => words);
  const names = said.flatMap((words) => {
    // "VALIDATION_FAILED, UNAVAILABLE when …; CANCELLED": also one word where a reason begins.
    const first = [...words.matchAll(/(?:^|[,;]|\band|\bor)\s+(?:\* )?([A-Z]{3,})(?![\w])/g)].map(
      ([, name = '']) => name,
    );
    return [...first, ...(words.match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? [])];
  });
  return names.filter((name) => !isReason(name));
}

test('what is said to be thrown exists', () => {
  const [good, bad] = [
    'VALIDATION_FAILED, POST_NOT_FOUND; UNAVAILABLE when away',
    'VALIDATION_FAILED, POST_GONE; UNAVAILABEL',
  ];
  assert.deepEqual(
    unknownReasons(`/** Ends it. @throws OxoError ${good} */ NO_REASON /** @throws what HE throws */`),
    [],
  );
  assert.deepEqual(unknownReasons(`/**\n * Ends it.\n * @throws OxoError ${bad}\n * @returns NO_REASON */`).sort(), [
    'POST_GONE',
    'UNAVAILABEL',
  ]);
  const paths = globSync('{services,mesh/kit}/**/*.ts', { cwd: repositoryRoot });
  assert.ok(paths.length > 300);
  const found = paths.flatMap((path) =>
    unknownReasons(readFileSync(join(repositoryRoot, path), 'utf8')).map((name) => `${path}: ${name}`),
  );
  assert.deepEqual(found, []);
});
