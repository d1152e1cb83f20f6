import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { repositoryRoot } from '../../local/settings.ts';
import { baseFolder, indexOf } from '../testing/manifests.ts';
import { selectPart } from './part.ts';

const folders = [baseFolder, join(baseFolder, 'infra'), join(repositoryRoot, 'mesh/istio')];
const texts = folders.flatMap((folder) =>
  indexOf(folder).named.map((name) => readFileSync(join(folder, name), 'utf8')),
);
const manifests = texts.join('\n---\n');

const runbook = readFileSync(join(repositoryRoot, 'mesh/kubernetes/runbooks/roll-out.md'), 'utf8');

/** In the order of the runbook, which names Deployments in a loop, and the migration by its own function. */
function partsOfRunbook(): string[] {
  const [, names = ''] = runbook.match(/for name in ([a-z ]+); do/) ?? assert.fail('the runbook has no loop');
  return [...runbook.matchAll(/^ +(migrate$|part \S+)/gm)].flatMap(([, line = '']) => {
    const part = line === 'migrate' ? 'migration' : line.slice('part '.length);
    return part === '$name' ? names.split(' ') : [part];
  });
}

describe('a part of the manifests', () => {
  it('is one of those that the runbook applies, and together they are everything, each once', () => {
    const applied = partsOfRunbook().flatMap((part) => selectPart(manifests, part));
    const nameOf = ({ kind, metadata }: (typeof applied)[number]) => `${kind}/${metadata.name}`;
    const all = manifests.split(/^---$/m).map((document) => nameOf(parse(document)));
    assert.ok(all.length > 100);
    assert.deepEqual(applied.map(nameOf).sort(), all.sort());
  });

  it('is shown before it is applied, all but the Job, which kubectl diff cannot compare with the one before', () => {
    const [, names = ''] = runbook.match(/for one in ([a-z ]+); do manifests \$one \| kubectl diff/) ?? assert.fail();
    const shown = partsOfRunbook().filter((part) => part !== 'migration');
    assert.deepEqual(names.split(' ').sort(), shown.sort());
  });

  it('comes after what it needs', () => {
    assert.deepEqual(partsOfRunbook().slice(0, 5), ['first', 'data', 'migration', 'ratelimit', 'auth']);
  });

  it('has namespaces before what is in them, and what scales a Deployment with it', () => {
    assert.deepEqual(
      selectPart(manifests, 'first')
        .slice(0, 2)
        .map(({ kind }) => kind),
      ['Namespace', 'Namespace'],
    );
    assert.deepEqual(
      selectPart(manifests, 'post').map(({ kind }) => kind),
      ['Deployment', 'ScaledObject'],
    );
    assert.deepEqual(
      selectPart(manifests, 'migration').map(({ metadata }) => metadata.name),
      ['migrate'],
    );
  });

  it('is refused when it has nothing', () => {
    assert.throws(() => selectPart(manifests, 'posts'), /nothing belongs to "posts"; the parts are first, .*post/);
  });
});
