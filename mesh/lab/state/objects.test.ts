import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inCluster } from './objects.ts';

test('URLs of one machine lead to Services', () => {
  const cases = [
    [
      'DATABASE_URL',
      'postgres://oxo_user:pa@127.0.0.1:20002/oxo?host=%2Fvar%2Frun',
      'postgres://oxo_user:pa@postgres-rw.oxo-infra.svc.cluster.local:5432/oxo',
    ],
    [
      'REDIS_URL',
      'redis://user:pa@127.0.0.1:20003?path=%2Fx',
      'redis://user:pa@redis.oxo-infra.svc.cluster.local:6379',
    ],
    [
      'LIMITS_REDIS_URL',
      'redis://auth:pa@127.0.0.1:20021',
      'redis://auth:pa@redis-limits.oxo-infra.svc.cluster.local:6379',
    ],
    ['NATS_URL', 'nats://user:pa@127.0.0.1:20004', 'nats://user:pa@nats.oxo-infra.svc.cluster.local:4222'],
    ['MAIL_SMTP_URL', 'smtp://127.0.0.1:20025', 'smtp://smtp.oxo-infra.svc.cluster.local:1025'],
    ['SERVICE_SECRET', 'a?b@c', 'a?b@c'],
  ] as const;
  for (const [name, here, there] of cases) assert.equal(inCluster(name, here), there);
});
