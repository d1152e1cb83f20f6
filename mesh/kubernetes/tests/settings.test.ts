/** What a pod is given is what its service reads: all that it needs, and nothing that nobody reads. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { ConfigError } from '#kit/process/config.ts';
import { services } from '../../local/services.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { renderGateway } from '../gateway/render.ts';
import { ownSettings, readCommonSettings, readResources } from '../testing/manifests.ts';

type Read = (env: NodeJS.ProcessEnv) => unknown;

/** Of Node itself, and of the telemetry that is loaded before a service. */
const ofProcess = [
  ...['NODE_ENV', 'NODE_EXTRA_CA_CERTS'],
  ...['OTEL_SERVICE_NAME', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_TRACES_SAMPLER_ARG'],
];

async function configReaderOf(main: string): Promise<Read> {
  const module: { readConfig: Read } = await import(join(repositoryRoot, dirname(main), 'config.ts'));
  return module.readConfig;
}

/** The names that a reader asks the environment for. */
function namesRead(read: Read, env: NodeJS.ProcessEnv): Set<string> {
  const names = new Set<string>();
  const watched = new Proxy(env, {
    get(target, name) {
      names.add(String(name));
      return target[String(name)];
    },
  });
  try {
    read(watched);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
  return names;
}

/** What is wrong with a service's settings, in words. */
function problemsOf(read: Read, common: Record<string, string>, own: Record<string, string>): string[] {
  const env = { ...common, ...own };
  const known = new Set([...namesRead(read, env), ...ofProcess]);
  const problems = Object.keys(own)
    .filter((name) => !known.has(name))
    .map((name) => `${name}: nobody reads it`);
  try {
    read(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  return problems.sort();
}

describe('settings in the manifests', () => {
  const common = readCommonSettings();

  for (const { name, main } of services) {
    it(`${name}: whole, and nothing beside`, async () => {
      const read = await configReaderOf(main);
      assert.deepEqual(problemsOf(read, common, ownSettings(readResources(`${name}.yaml`))), []);
    });
  }

  it('what is missing, wrong or unknown is seen', async () => {
    const read = await configReaderOf('services/post/main.ts');
    const { DATABASE_URL: _, ...own } = ownSettings(readResources('post.yaml'));
    assert.deepEqual(problemsOf(read, common, { ...own, REDIS_URL: 'http://redis', POSTS_URL: 'x' }), [
      'DATABASE_URL: is not set',
      'POSTS_URL: nobody reads it',
      'REDIS_URL: must be a URL (redis, rediss), or one of a cluster (redis+cluster://user:password@host:port,host:port)',
    ]);
  });

  it('what all have in common somebody reads', async () => {
    const read = new Set(ofProcess);
    for (const { main } of services) for (const name of namesRead(await configReaderOf(main), common)) read.add(name);
    assert.deepEqual(
      Object.keys(common).filter((name) => !read.has(name)),
      [],
    );
  });

  it('the front door begins with them', () => {
    const env = { ...common, TRUSTED_HOPS: '1', CORS_ORIGINS: '*' };
    assert.ok(
      namesRead((given) => renderGateway(given, join(process.env.TMPDIR ?? '/tmp', 'oxo-site')), env).has('JWT_ISSUER'),
    );
    assert.throws(() => renderGateway({ ...env, TRUSTED_HOPS: '' }, '/nowhere'), /TRUSTED_HOPS: is not set/);
  });

  it('the front door takes the trace of a request from it, unless it is told to trust callers', () => {
    const render = (more: object) =>
      renderGateway(
        { ...common, TRUSTED_HOPS: '1', CORS_ORIGINS: '*', ...more },
        join(process.env.TMPDIR ?? '/tmp', 'oxo-site'),
      );
    assert.match(render({}), /traceparent\|tracestate/);
    assert.doesNotMatch(render({ TRUST_TRACEPARENT: 'on' }), /traceparent\|tracestate/);
    assert.throws(() => render({ TRUST_TRACEPARENT: 'true' }), /TRUST_TRACEPARENT/);
  });

  it('every process that is a service is started by its own file', () => {
    const mains = globSync('services/*/main.ts', { cwd: repositoryRoot }).sort();
    const started = services.map(({ name, main }) => {
      const deployment = readResources(`${name}.yaml`).find(({ kind }) => kind === 'Deployment');
      assert.equal(deployment?.spec.template.spec.containers[0].command.at(-1), main);
      return main;
    });
    assert.deepEqual(mains, started.sort());
  });
});
