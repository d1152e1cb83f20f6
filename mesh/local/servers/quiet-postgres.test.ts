import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { parseAllDocuments } from 'yaml';
import { repositoryRoot } from '../settings.ts';

/** What keeps statements, parameters and rows out of the log of Postgres. */
const quiet: Readonly<Record<string, string>> = {
  log_statement: 'none',
  log_min_duration_statement: '-1',
  log_min_duration_sample: '-1',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
};

test('Postgres logs nothing that people wrote', async () => {
  const client = new pg.Client(process.env.TEST_DATABASE_URL);
  await client.connect();
  try {
    const query = 'select name, setting from pg_settings where name = any($1)';
    const { rows } = await client.query<{ name: string; setting: string }>(query, [Object.keys(quiet)]);
    assert.deepEqual(Object.fromEntries(rows.map(({ name, setting }) => [name, setting])), quiet);
  } finally {
    await client.end();
  }
});

test('nor does it in a cluster', () => {
  const manifests = readFileSync(join(repositoryRoot, 'mesh/kubernetes/base/infra/postgres.yaml'), 'utf8');
  type Cluster = { kind?: string; spec?: { postgresql?: { parameters?: Record<string, unknown> } } };
  const all = parseAllDocuments(manifests).map((document) => document.toJS() as Cluster | null);
  const { parameters = {} } = all.find((each) => each?.kind === 'Cluster')?.spec?.postgresql ?? {};
  for (const [name, value] of Object.entries(quiet)) assert.equal(parameters[name], value, name);
});
