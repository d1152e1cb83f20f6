import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { problemOfCertificate, problemOfServer } from './outside.ts';
import { type Deployment, problemOfDeployment, problemOfJob } from './workloads.ts';

const deployment = (status: Deployment['status'], generation = 2): Deployment => ({
  ...{ metadata: { name: 'post', namespace: 'oxo-app', generation }, spec: { replicas: 2 } },
  status: { observedGeneration: 2, updatedReplicas: 2, availableReplicas: 2, ...status },
});

test('a rollout that does not go on is told, whether or not it has a pod', () => {
  assert.deepEqual(problemOfDeployment(deployment({})), []);
  const refused = { type: 'ReplicaFailure', status: 'True', message: 'the label app must be' };
  for (const [status, told] of [
    [
      { conditions: [refused], updatedReplicas: 0 },
      /post: no new pod \(the label app must be\).* -n oxo-app describe rs/,
    ],
    [{ updatedReplicas: 1 }, /of 2 pods 1 are of its last change, 2 serve/],
    [{ availableReplicas: 1 }, /2 are of its last change, 1 serve/],
  ] as const)
    assert.match(problemOfDeployment(deployment(status)).join(), told);
  assert.match(problemOfDeployment(deployment({}, 3)).join(), /its last change is not seen yet/);
  assert.deepEqual(problemOfDeployment(deployment({ conditions: [{ ...refused, status: 'False' }] })), []);
});

test('a job that has given up is told', () => {
  const job = (type: string) => ({ metadata: { name: 'migrate' }, status: { conditions: [{ type, status: 'True' }] } });
  assert.match(problemOfJob(job('Failed')).join(), /job migrate has failed/);
  assert.deepEqual(problemOfJob(job('Complete')), []);
  assert.deepEqual(problemOfJob({ metadata: { name: 'migrate' } }), []);
});

test('a server that takes no connections is told', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  assert.deepEqual(await problemOfServer({ name: 'postgres', port }, 'next'), []);
  server.close();
  await once(server, 'close');
  assert.match(
    (await problemOfServer({ name: 'postgres', port }, 'next')).join(),
    /postgres is away .*ECONNREFUSED.* next$/,
  );
});

test('a certificate is told when less than a fifth of it is left', () => {
  const of = (ageMs: number, leftMs: number) =>
    problemOfCertificate('post-1', { ageMs, leftMs, serialNumber: '', uris: [] });
  assert.deepEqual(of(50, 50), []);
  assert.deepEqual(of(79, 21), []);
  assert.match(of(81, 19).join(), /post-1: its certificate ends soon/);
  assert.match(of(100, -1).join(), /has ended, and istiod does not renew it/);
});
