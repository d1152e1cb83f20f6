import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap, Container, Pod, Secret } from '../api/types.ts';
import { environmentOf, expand, fieldOf, MissingError, resourceOf, type Sources } from './environment.ts';

const container: Container = {
  name: 'app',
  image: 'oxo',
  resources: { requests: { cpu: '250m', memory: '64Mi' }, limits: { cpu: '2' } },
};
const pod: Pod = {
  metadata: { name: 'user-1', namespace: 'oxo-app', uid: 'u', labels: { app: 'user', b: 'x "y"' } },
  spec: { containers: [container], serviceAccountName: 'user' },
};
const configMap: ConfigMap = { metadata: { name: 'common' }, data: { LOG_LEVEL: 'info', URL: 'http://$(HOST)' } };
const secret: Secret = { metadata: { name: 'user' }, data: { PASSWORD: Buffer.from('pa$$ $(X)').toString('base64') } };
const sources: Sources = {
  ...{ pod, podIp: '10.88.1.1', hostIp: '10.88.0.1', nodeName: 'lab' },
  configMap: (name) => (name === 'common' ? configMap : undefined),
  secret: (name) => (name === 'user' ? secret : undefined),
};

test('variables may use those before them, and only them', () => {
  const env = [
    { name: 'A', value: '1' },
    { name: 'B', value: '$(A)-$(C)-$$(A)' },
    { name: 'C', value: '3' },
  ];
  assert.deepEqual(environmentOf({ ...container, env }, sources), { A: '1', B: '1-$(C)-$(A)', C: '3' });
  assert.equal(expand('$(A)$(A) $B $( A)', { A: 'x' }), 'xx $B $( A)');
});

test('whole ConfigMaps and Secrets come first, as they are, and what is said by name wins', () => {
  const envFrom = [{ configMapRef: { name: 'common' } }, { prefix: 'P_', secretRef: { name: 'user' } }];
  const env = [{ name: 'LOG_LEVEL', value: 'debug' }];
  assert.deepEqual(environmentOf({ ...container, envFrom, env }, sources), {
    LOG_LEVEL: 'debug',
    URL: 'http://$(HOST)',
    P_PASSWORD: 'pa$$ $(X)',
  });
});

test('what is missing keeps a container waiting, unless it is optional', () => {
  const key = (name: string, optional?: boolean) => ({
    ...container,
    env: [{ name: 'X', valueFrom: { secretKeyRef: { name, key: 'NONE', ...(optional ? { optional } : {}) } } }],
  });
  assert.throws(() => environmentOf(key('user'), sources), /Secret user has no key NONE/);
  assert.throws(() => environmentOf(key('other'), sources), MissingError);
  assert.deepEqual(environmentOf(key('other', true), sources), {});
  const whole = { ...container, envFrom: [{ configMapRef: { name: 'other' } }] };
  assert.throws(() => environmentOf(whole, sources), /there is no ConfigMap other/);
});

test('the downward API tells of the pod', () => {
  const told = [
    'metadata.name',
    'metadata.namespace',
    'status.podIP',
    'spec.serviceAccountName',
    "metadata.labels['app']",
  ];
  assert.deepEqual(
    told.map((path) => fieldOf(sources, path)),
    ['user-1', 'oxo-app', '10.88.1.1', 'user', 'user'],
  );
  assert.equal(fieldOf(sources, 'metadata.labels'), 'app="user"\nb="x \\"y\\""');
  assert.equal(fieldOf(sources, "metadata.annotations['none']"), '');
  assert.throws(() => fieldOf(sources, 'status.phase'), /has no field status.phase/);
});

test('resources are told in units of the divisor, rounded up', () => {
  const tell = (resource: string, divisor?: string) =>
    resourceOf(container, { resource, ...(divisor === undefined ? {} : { divisor }) });
  assert.equal(tell('requests.cpu', '1m'), '250');
  assert.equal(tell('requests.cpu'), '1');
  assert.equal(tell('limits.cpu'), '2');
  assert.equal(tell('requests.memory', '1Mi'), '64');
  assert.notEqual(tell('limits.memory'), '0', 'without a limit it is what the machine has');
});
