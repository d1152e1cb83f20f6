import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError } from './cli/cli-error.ts';
import { localLimits } from './limits.ts';
import { readSettings } from './settings.ts';

test('the defaults are one stack on port 8080 that only this machine reaches', () => {
  const settings = readSettings({ HOME: '/home/somebody' });
  assert.equal(settings.portBase, 8080);
  assert.equal(settings.publicUrl, 'http://127.0.0.1:8080');
  assert.deepEqual(settings.corsOrigins, ['*']);
  assert.deepEqual(readSettings({ OXO_CORS_ORIGINS: 'none' }).corsOrigins, []);
  const origins = ['https://app.example', 'http://localhost:5173'];
  assert.deepEqual(readSettings({ OXO_CORS_ORIGINS: origins.join(', ') }).corsOrigins, origins);
  for (const url of Object.values(settings.own)) assert.equal(url, undefined);
  assert.equal(settings.limits, localLimits);
});

test('every wrong variable is named at once, and no password', () => {
  const env = {
    OXO_PORT_BASE: '80',
    OXO_TRUSTED_HOPS: '-1',
    OXO_TRUST_TRACEPARENT: 'yes',
    OXO_PUBLIC_URL: 'example.org',
    OXO_CORS_ORIGINS: 'https://app.example/, *',
    DATABASE_URL: 'mysql://root:secret@db',
  };
  assert.throws(
    () => readSettings(env),
    (error) => {
      assert(error instanceof CliError);
      for (const name of Object.keys(env)) assert.match(error.advice.join('\n'), new RegExp(name));
      assert.doesNotMatch(error.advice.join('\n'), /secret/);
      return true;
    },
  );
});

test('a password that can not be decoded is named and not shown', () => {
  assert.throws(
    () => readSettings({ REDIS_URL: 'redis://a:hid%den@127.0.0.1' }),
    (error) =>
      error instanceof CliError && /REDIS_URL.*%25/.test(error.advice[0] ?? '') && !/hid/.test(error.advice[0] ?? ''),
  );
});

test('a public URL is an address and nothing else', () => {
  for (const url of ['https://user@oxo.example', 'https://oxo.example/?a=b', 'https://oxo.example/#a']) {
    assert.throws(() => readSettings({ OXO_PUBLIC_URL: url }), CliError, url);
  }
  assert.equal(readSettings({ OXO_PUBLIC_URL: 'HTTPS://OXO.example:443' }).publicUrl, 'https://oxo.example');
});

test('a public URL loses its last slash, as it is the issuer of tokens', () => {
  assert.equal(readSettings({ OXO_PUBLIC_URL: 'https://oxo.example/' }).publicUrl, 'https://oxo.example');
});

test('spans go where the services send theirs', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_TRACES_SAMPLER_ARG: '0.5' };
  assert.deepEqual(readSettings(env).tracing, { otlpEndpoint: 'http://127.0.0.1:4318', samplingPercent: 50 });
});

test('each request is traced where one looks at a machine, and one of a hundred for a collector elsewhere', () => {
  assert.equal(readSettings({ OXO_OBSERVABILITY: 'on' }).tracing?.samplingPercent, 100);
  const elsewhere = { OXO_OBSERVABILITY: 'on', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
  assert.equal(readSettings(elsewhere).tracing?.samplingPercent, 1);
});

test('what a request says of its trace is believed only when somebody says so', () => {
  assert.equal(readSettings({}).trustTraceparent, false);
  assert.equal(readSettings({ OXO_TRUST_TRACEPARENT: 'on' }).trustTraceparent, true);
});
