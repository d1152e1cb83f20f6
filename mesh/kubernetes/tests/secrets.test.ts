/** Whoever must know a service's secret is told it, and every template has what it fills in. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { calleesOf, workloads } from '../../istio/callers.ts';
import { services } from '../../local/services.ts';
import { baseFolder, indexOf, type Resource, readResources } from '../testing/manifests.ts';

const secrets = ['', 'infra'].flatMap((folder) =>
  indexOf(join(baseFolder, folder))
    .named.flatMap((name) => readResources(join(folder, name)))
    .filter(({ kind }) => kind === 'ExternalSecret'),
);
const named = (name: string): Resource =>
  secrets.find(({ metadata }) => metadata.name === name) ?? assert.fail(`there is no ExternalSecret ${name}`);

type Entry = { readonly secretKey: string; readonly remoteRef: { readonly key: string; readonly property: string } };

/** `<name>=<template>,…` as pairs of the name and where its secret lies in Vault. */
function placesIn({ metadata, spec }: Resource, variable: string): [string, string][] {
  const template: string = spec.target.template.data[variable];
  return template.split(',').map((part) => {
    const [, name = '', key = ''] = /^([a-z0-9]+)=\{\{ \.(\w+)( \| sha256sum)? \}\}$/.exec(part) ?? assert.fail(part);
    const entry = (spec.data as Entry[]).find(({ secretKey }) => secretKey === key);
    // What is not named alone is all of its own.
    return [name, entry ? `${entry.remoteRef.key} ${entry.remoteRef.property}` : `oxo/${metadata.name} ${key}`];
  });
}

describe('secrets in a cluster', () => {
  it('fill in what they name, or all that lies in a place of their own', () => {
    assert.ok(secrets.length > 8);
    for (const { metadata, spec } of secrets) {
      const text = Object.values<string>(spec.target.template?.data ?? {}).join('\n');
      const used = new Set([...text.matchAll(/\{\{ \.(\w+)/g)].map(([, key]) => key));
      const had = ((spec.data ?? []) as Entry[]).map(({ secretKey }) => secretKey);
      assert.equal(new Set(had).size, had.length, `${metadata.name}: each once`);
      // By `extract` it has what lies there, whatever it is called.
      const missing = spec.dataFrom === undefined ? [...used].filter((key) => !had.includes(key ?? '')) : [];
      assert.deepEqual(missing, [], `${metadata.name}: templates use what data does not name`);
      if (text !== '')
        assert.deepEqual(
          had.filter((key) => !used.has(key)),
          [],
          `${metadata.name}: nobody uses them`,
        );
    }
  });

  it('tell the migration the password of each service, which makes its role', () => {
    assert.deepEqual(
      placesIn(named('migrate'), 'SERVICE_PASSWORDS'),
      services.map(({ name }) => [name, `oxo/${name} database`]),
    );
  });

  it('tell auth what each shows that asks it for tokens', () => {
    const asking = Object.keys(workloads).filter((name) => name !== 'gateway' && calleesOf(name).includes('auth'));
    assert.deepEqual(
      placesIn(named('auth'), 'SERVICE_SECRET_HASHES').sort(),
      ['auth', ...asking].map((name) => [name, `oxo/${name} service`]).sort(),
    );
  });

  it('give a user of Redis to those alone that have one, and to who reads its statistics', () => {
    const owners = (named('redis-acl').spec.data as Entry[]).map(({ remoteRef }) => remoteRef.key);
    const wanted = services.filter(({ name }) => workloads[name]?.data.includes('redis'));
    const others = ['oxo/operator', 'oxo/monitoring'];
    assert.deepEqual(owners.sort(), [...others, ...wanted.map(({ name }) => `oxo/${name}`)].sort());
  });
});
