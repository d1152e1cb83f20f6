import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ConfigError,
  commonConfig,
  commonSettings,
  databaseConfig,
  databaseSettings,
  readEnv,
  setting,
} from '#kit/process/config.ts';

const complete = {
  GRPC_PORT: '8091',
  OPS_PORT: '0',
  DATABASE_URL: 'postgres://u:p@h/d',
  NATS_URL: 'nats://u:p@h:4222',
  JWKS_URL: 'http://h/jwks.json',
  JWT_ISSUER: 'https://h',
};

test('settings become values, with their defaults', () => {
  const read = readEnv({ ...commonSettings, ...databaseSettings }, { ...complete, LOG_LEVEL: '', UNKNOWN: 'x' });
  const config = { ...commonConfig(read), ...databaseConfig(read) };
  assert.equal(config.grpcAddress, '0.0.0.0:8091');
  assert.equal(config.opsPort, 0);
  assert.equal(config.logLevel, 'info');
  assert.equal(config.databasePoolSize, 10);
});

test('every problem is named at once, and no value is told', () => {
  const env = { ...complete, GRPC_PORT: '70000', OPS_PORT: '', DATABASE_URL: 'secret', LOG_LEVEL: 'loud' };
  assert.throws(
    () => readEnv({ ...commonSettings, ...databaseSettings, AUTH_GRPC_ADDRESS: setting.address() }, env),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      const names = error.problems.map((problem) => problem.split(':')[0]).sort();
      assert.deepEqual(names, ['AUTH_GRPC_ADDRESS', 'DATABASE_URL', 'GRPC_PORT', 'LOG_LEVEL', 'OPS_PORT']);
      assert.ok(error.problems.includes('OPS_PORT: is not set'));
      assert.doesNotMatch(error.message, /secret|70000|loud/);
      return true;
    },
  );
});

test('several URLs stand in one setting, and each must be one', () => {
  const shape = { URLS: setting.urls('http') };
  assert.deepEqual(readEnv(shape, { URLS: 'http://a/,http://b/' }), { URLS: ['http://a/', 'http://b/'] });
  for (const URLS of ['a', 'http://a/,', 'http://a/,ftp://b/']) {
    assert.throws(() => readEnv(shape, { URLS }), ConfigError, URLS);
  }
});

test('Redis is one server or a cluster, of which some nodes are named', () => {
  const shape = { REDIS: setting.redisUrl() };
  for (const REDIS of ['redis://h:1', 'rediss://u:p@h:1', 'redis+cluster://h:1', 'rediss+cluster://u:p@a:1,b:2']) {
    assert.deepEqual(readEnv(shape, { REDIS }), { REDIS });
  }
  for (const REDIS of ['h:1', 'http://h', 'redis+cluster://', 'redis+cluster://a:1,', 'redis+cluster://a:x']) {
    assert.throws(() => readEnv(shape, { REDIS }), ConfigError, REDIS);
  }
});

test('numbers and addresses must be exactly that', () => {
  const shape = { NUMBER: setting.integer(1, 200), ADDRESS: setting.address() };
  const good = { NUMBER: '5', ADDRESS: 'host:1' };
  assert.deepEqual(readEnv(shape, good), { NUMBER: 5, ADDRESS: 'host:1' });
  for (const NUMBER of ['0', '201', '1.5', 'x', ' ', '1e400']) {
    assert.throws(() => readEnv(shape, { ...good, NUMBER }), ConfigError, NUMBER);
  }
  assert.equal(readEnv(shape, { ...good, ADDRESS: '10.0.0.1:1,10.0.0.2:1' }).ADDRESS, '10.0.0.1:1,10.0.0.2:1');
  for (const ADDRESS of ['host', 'http://host:1', ':1', 'host:', 'host:123456', 'a b:1', 'a:1,b:1', '1.1.1.1:1,']) {
    assert.throws(() => readEnv(shape, { ...good, ADDRESS }), ConfigError, ADDRESS);
  }
});
