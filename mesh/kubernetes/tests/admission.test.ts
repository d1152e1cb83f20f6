/** What the API server takes for a pod of ours, compared with the pods that we have and the sidecar that Istio adds. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { repositoryRoot } from '../../local/settings.ts';
import { indexOf, only, readResources } from '../testing/manifests.ts';

const { spec } = only(readResources('admission.yaml'), 'ValidatingAdmissionPolicy');

test('the labels by which pods reach data services belong to the accounts that wear them', () => {
  const { named } = indexOf(join(repositoryRoot, 'mesh/kubernetes/base'));
  const worn: Record<string, string[]> = {};
  for (const name of named.filter((one) => one.endsWith('.yaml') && !one.includes('/'))) {
    for (const { kind, spec: own } of readResources(name)) {
      if (kind !== 'Deployment' && kind !== 'Job') continue;
      const { metadata, spec: pod } = own.template;
      for (const label of Object.keys(metadata.labels).filter((one) => one.startsWith('oxo.dev/')))
        worn[label] = [...(worn[label] ?? []), pod.serviceAccountName];
    }
  }
  const { expression } = spec.variables.find(({ name }: { name: string }) => name === 'clients');
  const known: Record<string, string[]> = JSON.parse(expression.replaceAll("'", '"'));
  const sorted = (all: Record<string, string[]>) =>
    Object.fromEntries(Object.entries(all).map(([label, accounts]) => [label, accounts.toSorted()]));
  assert.ok(Object.keys(worn).length >= 4);
  assert.deepEqual(sorted(known), sorted(worn));
});

test('the sidecar that pods may have is the one that is installed', () => {
  const installed = parse(readFileSync(join(repositoryRoot, 'mesh/istio/install/istio.yaml'), 'utf8')).spec;
  const image = `${installed.hub}/proxyv2:${installed.tag}`;
  const expressions: string[] = spec.validations.map(({ expression }: { expression: string }) => expression);
  assert.equal(expressions.filter((one) => one.includes(`'${image}'`)).length, 1);
});
