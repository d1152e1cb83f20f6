/** What runbooks say to type exists: commands of ours with their options, and what kubectl is asked for. And it works in the operator's pod. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { findFreePortBase } from '../../local/ports.ts';
import { loadSecrets } from '../../local/secrets.ts';
import { setUpStreams } from '../../local/servers/streams.ts';
import { services } from '../../local/services.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { type Stack, startStack } from '../../local/stack/stack.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { indexOf, only, readResources } from '../testing/manifests.ts';

const run = promisify(execFile);
const runbooks = join(repositoryRoot, 'mesh/kubernetes/runbooks');

/** Lines of commands, those that go on joined. */
function commands(text: string): string[] {
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block);
  const inline = [...text.matchAll(/`(oxo [^`]+|kubectl [^`]+)`/g)].map(([, command = '']) => command);
  return [...blocks.flatMap((block) => block.replaceAll(/\\\n/g, ' ').split('\n')), ...inline].map((line) =>
    line.trim(),
  );
}

const lines = readdirSync(runbooks).flatMap((name) => commands(readFileSync(join(runbooks, name), 'utf8')));

/** Made by a runbook itself. */
const madeFiles = new Set(['all.yaml']);

/** Files and folders that a text names and that are not there: paths from the root, and files beside it or in mesh/kubernetes. */
function missingPaths(text: string): string[] {
  const plain = text.replaceAll('$O/', 'mesh/kubernetes/overlays/prod/').replaceAll(/\b[a-z]+:\/\/\S+/g, '');
  const paths = [...plain.matchAll(/(?<![\w./-])(?:[\w.-]+\/)*[\w.-]+\.(?:ts|md|ya?ml|env|conf)\b(?!\/)/g)].map(
    ([path]) => path,
  );
  const folders = [...plain.matchAll(/(?<![\w./-])(?:mesh|services|gateway|proto)(?:\/[\w-]+)+(?![\w/.<-])/g)].map(
    ([path]) => path,
  );
  const places = [repositoryRoot, join(repositoryRoot, 'mesh/kubernetes'), runbooks];
  return [...new Set([...paths, ...folders])].filter(
    (path) => !madeFiles.has(path) && !places.some((place) => existsSync(join(place, path))),
  );
}

async function usageOf(command: string): Promise<string> {
  const args = ['mesh/local/oxo.ts', command, '--help'];
  return (await run(process.execPath, args, { cwd: repositoryRoot })).stdout;
}

/** kind/name of everything that is in the base, and what operators make of it. */
function known(): Set<string> {
  const folders = ['', 'infra/'];
  const resources = folders.flatMap((folder) =>
    indexOf(join(repositoryRoot, 'mesh/kubernetes/base', folder)).named.flatMap((name) =>
      readResources(`${folder}${name}`),
    ),
  );
  const policies = indexOf(join(repositoryRoot, 'mesh/istio')).named.flatMap((name) =>
    readResources(`../../istio/${name}`),
  );
  return new Set([...resources, ...policies].map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`));
}

describe('runbooks', () => {
  it('name commands and options that there are', async () => {
    const typed = lines.flatMap((line) => [...line.matchAll(/(?:^|[;&(] ?)oxo ([a-z-]+)([^;|&]*)/g)]);
    assert.ok(typed.length > 10);
    const usages = new Map<string, string>();
    for (const [whole, command = '', rest = ''] of typed) {
      const usage = usages.get(command) ?? (await usageOf(command));
      usages.set(command, usage);
      const [action] = rest.trim().split(/\s+/);
      if (action && /^[a-z]/.test(action)) assert.ok(usage.includes(action), whole);
      for (const [option] of rest.replace(/#.*/, '').matchAll(/--[a-z-]+/g)) assert.ok(usage.includes(option), whole);
    }
  });

  it('name files and folders that there are', () => {
    const texts = readdirSync(runbooks).map((name) => readFileSync(join(runbooks, name), 'utf8'));
    assert.deepEqual(texts.flatMap(missingPaths), []);
    // What is planted is found: a runbook, a script, a folder, a file of the overlay that are not there; and nothing else.
    const planted =
      'see rotate-secrets.md; `node mesh/istio/canaries.ts post 5`; `O=mesh/kubernetes/overlays/production`; base/posts.yaml; `$O/patch.yaml`';
    const present =
      'roll-out.md, mesh/istio/canary.ts, mesh/kubernetes/overlays/prod, base/post.yaml, http://auth:8081/jwks.json, >all.yaml';
    assert.deepEqual(missingPaths(`${planted} ${present}`).sort(), [
      'base/posts.yaml',
      'mesh/istio/canaries.ts',
      'mesh/kubernetes/overlays/prod/patch.yaml',
      'mesh/kubernetes/overlays/production',
      'rotate-secrets.md',
    ]);
  });

  it('ask kubectl for what the manifests hold', () => {
    const all = known();
    const kinds = 'deployment|statefulset|job|scaledobject|externalsecret|requestauthentication|cluster|rediscluster';
    const asked = lines.flatMap((line) =>
      [
        ...line.matchAll(new RegExp(`\\b(${kinds})[/ ]([a-z][a-z -]*?)(?= -|=|$| &|;| \\[|\\)| [a-z.-]+[=/])`, 'g')),
      ].flatMap(([, kind = '', names = '']) =>
        names
          .trim()
          .split(' ')
          .map((name) => `${kind}/${name}`),
      ),
    );
    assert.ok(asked.length > 10, asked.join());
    // Made by a runbook itself.
    const made = new Set(['deployment/post-canary', 'cluster/restored']);
    assert.deepEqual(
      asked.filter((one) => !all.has(one) && !made.has(one)),
      [],
    );
  });
});

describe("the operator's pod", () => {
  let stack: Stack;
  let env: Record<string, string | undefined>;
  before(async () => {
    const stateDir = temporaryFolder();
    const some = services.filter(({ name }) => name === 'auth' || name === 'user');
    stack = await startStack({ stateDir, portBase: await findFreePortBase(), services: some, gateway: false });
    await setUpStreams(stack.urls.nats, services);
    env = {
      ...{ PATH: process.env.PATH, OXO_STATE_DIR: temporaryFolder(), OXO_CACHE_DIR: temporaryFolder() },
      ...{ DATABASE_URL: stack.urls.database, NATS_URL: stack.urls.nats },
      ...{ AUTH_GRPC_ADDRESS: stack.urls.grpc.auth, OPERATOR_SECRET: loadSecrets(stateDir, []).operator },
    };
  });
  after(() => stack.stop());

  it('has what the commands need, and they work there', async () => {
    const { spec } = only(readResources('operator.yaml'), 'Deployment');
    const { data } = only(readResources('operator.yaml'), 'ExternalSecret').spec.target.template;
    const named = [
      ...spec.template.spec.containers[0].env.map(({ name }: { name: string }) => name),
      ...Object.keys(data),
    ];
    for (const name of Object.keys(env)) if (name !== 'PATH') assert.ok(named.includes(name), name);
    const oxo = (...args: string[]) =>
      run(process.execPath, ['mesh/local/oxo.ts', ...args], { cwd: repositoryRoot, env });
    assert.match((await oxo('dead-letters', 'list')).stdout, /no dead letters/);
    assert.match((await oxo('keys', 'rotate', '--force')).stdout, /signs from now on/);
    assert.match((await oxo('outbox', 'replay', '--since', '1h', '--dry-run')).stdout, /\d/);
  });
});
