/** A pod whose service does not answer is left out by its callers, though nobody has taken it away. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inNamespace } from '../net/network.ts';
import { ensureTables } from '../parts/ensure.ts';
import { upstreamHosts } from '../status/certificates.ts';
import { scale } from './deployments.ts';
import { openIngress } from './ingress.ts';
import { callAs, ipOf, lab, podOf, podsOf, serviceAddress, until } from './pods.ts';

const path = 'oxo.user.v1.UserService/GetUser';
const unavailable = 14;

before(() => scale('user', 2));
after(() => scale('user', 1));

/** Whether a caller leaves a pod of the service out. */
async function isEjected(caller: string, ip: string): Promise<boolean> {
  const hosts = await upstreamHosts(lab.names.pod(caller));
  return hosts.some(
    (host) =>
      host.cluster.startsWith('outbound|50051|stable|user.') && host.address.startsWith(`${ip}:`) && host.isEjected,
  );
}

/** What the sick pod's sidecar answers in its place reaches people as every other error does. */
async function assertToldInTheOneShape(): Promise<void> {
  const ingress = await openIngress();
  try {
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const response = await fetch(`${ingress.url}/api/v1/users/by-handle/nobody`);
        return { status: response.status, id: response.headers.get('x-request-id'), body: await response.json() };
      }),
    );
    // Whoever is well says that there is nobody of that name.
    const failed = answers.filter(({ status }) => status !== 404);
    assert.ok(failed.length > 0, 'some have met the sick pod');
    for (const { status, id, body } of failed) {
      const [info] = (body as { details: { reason: string; metadata: object }[] }).details;
      assert.deepEqual([status, info?.reason, info?.metadata], [503, 'UNAVAILABLE', { requestId: id }]);
    }
  } finally {
    ingress.close();
  }
}

test('who fails is ejected, and calls go to the other', async (context) => {
  const gateway = await podOf('gateway');
  const target = { ...(await serviceAddress('user', 50_051)), path };
  const calls = Array.from({ length: 24 }, () => target);
  const [sick] = await podsOf('user');
  assert.ok(sick);
  const namespace = lab.names.pod(ipOf(sick));
  // Its sidecar lives, and finds nobody behind it: what a process that has died looks like until it is back.
  const rule = [
    '-p',
    'tcp',
    '--dport',
    '50051',
    '-m',
    'owner',
    '--uid-owner',
    '1337',
    '-j',
    'REJECT',
    '--reject-with',
    'tcp-reset',
  ];
  const { folder, env } = await ensureTables(lab.cacheDir, lab.dir);
  const tables = (command: string) =>
    inNamespace(namespace, join(folder, 'iptables'), [command, 'OUTPUT', '-o', 'lo', ...rule], env);
  await tables('-I');
  try {
    await assertToldInTheOneShape();
    const failed = await until('the pod is ejected', 60_000, async () => {
      const endings = await callAs(gateway, calls);
      const count = endings.filter(({ code }) => code === unavailable).length;
      return (await isEjected(ipOf(gateway), ipOf(sick))) ? { count } : undefined;
    });
    context.diagnostic(`${failed.count} of the last ${calls.length} calls had failed`);
    const endings = await callAs(gateway, calls);
    assert.deepEqual(
      endings.filter(({ code }) => code === unavailable),
      [],
      'calls go to the pod that is well',
    );
  } finally {
    await tables('-D');
  }
});
