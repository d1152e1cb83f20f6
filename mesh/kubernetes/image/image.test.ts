/** The images themselves are built by who has Docker; here their stages run in empty folders, and what comes of it serves. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ensureDurables } from '#kit/events/consumers/durables.ts';
import { natsPermissions } from '#kit/events/jetstream/permissions.ts';
import { ensureStreams } from '#kit/events/jetstream/streams.ts';
import { startNats, type TestNats } from '#kit/testing/nats.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startProcess } from '#kit/testing/process.ts';
import { startRedis, type TestRedis } from '#kit/testing/redis.ts';
import { until } from '#kit/testing/until.ts';
import { connectOnce } from '../../local/servers/nats.ts';
import { durablesOf, nodeArguments, services } from '../../local/services.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { type Built, buildStages } from './build.ts';
import { isGiven, parseDockerfile } from './dockerfile.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
const version = '9.8.7+0123abcd';

describe('the images', () => {
  let images: ReadonlyMap<string, Built>;
  const image = (name: string): Built => images.get(name) ?? assert.fail(name);
  const folderOf = ({ root, workdir }: Built): string => join(root, workdir);

  before(async () => {
    const envoy = process.env.TEST_ENVOY_BINARY ?? '';
    images = await buildStages(temporaryFolder(), new Map([['/usr/local/bin/envoy', envoy]]), {
      OXO_VERSION: version,
    });
  });

  it('hold what runs, and neither tests nor what only development needs', async () => {
    const folder = folderOf(image('oxo'));
    for (const { main } of services) assert.ok(existsSync(join(folder, main)), main);
    assert.deepEqual(globSync('{services,gateway,mesh}/**/*.test.ts', { cwd: folder }), []);
    for (const name of ['typescript', '@biomejs', 'playwright-core']) {
      assert.ok(!existsSync(join(folder, 'node_modules', name)), name);
    }
    let bytes = 0;
    for (const path of globSync('**/*', { cwd: folder })) bytes += (await lstat(join(folder, path))).size;
    assert.ok(bytes < 120 * MIB, `${Math.round(bytes / MIB)} MiB`);
    for (const name of ['oxo', 'oxo-gateway']) assert.match(image(name).user ?? '', /^[1-9]\d*:[1-9]\d*$/);
  });

  it('load every service: it says what its settings lack, all at once', async () => {
    const said = services.map(async ({ name, main }) => {
      const options = { cwd: folderOf(image('oxo')), env: { PATH: process.env.PATH } };
      const { stdout } = await run(process.execPath, [...nodeArguments, main], options).catch(
        (error: { stdout: string }) => error,
      );
      assert.match(stdout, /NATS_URL: is not set.*bad configuration/, name);
    });
    await Promise.all(said);
  });

  it("have the operator's commands", async () => {
    const options = { cwd: folderOf(image('oxo')), env: { PATH: process.env.PATH } };
    for (const command of ['keys', 'dead-letters', 'outbox', 'admin']) {
      const { stdout } = await run(process.execPath, ['mesh/local/oxo.ts', command, '--help'], options);
      assert.match(stdout, new RegExp(`usage: ./oxo ${command}`));
    }
  });

  it('make the configuration of the front door, which Envoy takes', async () => {
    const built = image('oxo-gateway');
    const target = temporaryFolder();
    const env = { PATH: process.env.PATH, JWT_ISSUER: 'https://oxo.example', TRUSTED_HOPS: '1', CORS_ORIGINS: '*' };
    const options = { cwd: folderOf(built), env };
    await run(process.execPath, ['mesh/kubernetes/gateway/main.ts', target], options);
    const args = ['--mode', 'validate', '--config-path', join(target, 'envoy.yaml')];
    const { stdout, stderr } = await run(join(built.root, 'usr/local/bin/envoy'), args, options);
    assert.match(`${stdout}${stderr}`, /OK/);
  });

  describe('with servers', () => {
    let nats: TestNats;
    let redis: TestRedis;
    before(async () => {
      const feed = services.find(({ name }) => name === 'feed') ?? assert.fail();
      const durables = await durablesOf(feed);
      nats = await startNats({ feed: natsPermissions({ service: 'feed', publishes: [], durables }) });
      redis = await startRedis();
      const connection = await connectOnce(nats.url());
      await ensureStreams(connection);
      await ensureDurables(connection, durables);
      await connection.close();
    });
    after(() => Promise.all([nats.stop(), redis.stop()]));

    it('serve, and say which version they were built as', async () => {
      const [grpcPort, opsPort] = [await freePort(), await freePort()];
      const settings = {
        OXO_VERSION: image('oxo').env.OXO_VERSION ?? '',
        ...{ GRPC_PORT: String(grpcPort), OPS_PORT: String(opsPort), REDIS_URL: redis.url, NATS_URL: nats.url('feed') },
        ...{ JWKS_URL: 'http://127.0.0.1:1/', JWT_ISSUER: 'https://oxo.example', SERVICE_SECRET: 'a secret' },
        ...{ AUTH_GRPC_ADDRESS: '127.0.0.1:1', USER_GRPC_ADDRESS: '127.0.0.1:1', POST_GRPC_ADDRESS: '127.0.0.1:1' },
      };
      const args = [...nodeArguments, 'services/feed/main.ts'];
      const feed = startProcess({ command: process.execPath, args, cwd: folderOf(image('oxo')), env: settings });
      await until('feed is ready', async () => (await fetch(`http://127.0.0.1:${opsPort}/readyz`)).ok);
      const told = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
      assert.ok(told.includes(`oxo_build_info{version="${version}"} 1`));
      assert.equal(await feed.stop(), 0);
    });
  });
});

describe('what a build is given', () => {
  it('is decided by the last pattern that fits', () => {
    const patterns = ['*', '!mesh', 'mesh/*', '!mesh/kit', '**/*.test.ts', '**/testing'];
    const given = ['mesh/kit/ids.ts', 'mesh/kit/rpc/client.ts'];
    const not = ['README.md', 'mesh/e2e/a.ts', 'mesh/kit/ids.test.ts', 'mesh/kit/testing/nats.ts', 'a.test.ts'];
    assert.deepEqual(
      [...given, ...not].filter((path) => isGiven(path, patterns)),
      given,
    );
  });

  it('comes from a Dockerfile that is understood whole', () => {
    assert.throws(() => parseDockerfile('FROM a AS b\nADD x y'), /not known here: ADD x y/);
    assert.throws(() => parseDockerfile('FROM a'), /without a name/);
    assert.deepEqual(parseDockerfile('FROM a AS b\nRUN c \\\n  d # e'), [
      { name: 'b', from: 'a', steps: [{ instruction: 'RUN', text: 'c d # e' }] },
    ]);
  });
});
