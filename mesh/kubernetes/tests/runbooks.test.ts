/** What runbooks say to type exists: commands of ours with their options, and what kubectl is asked for. And it works in the operator's pod. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { findFreePortBase } from '../../local/ports.ts';
import { loadSecrets } from '../../local/secrets.ts';
import { setUpStreams } from '../../local/servers/streams.ts';
import { services } from '../../local/services.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { type Stack, startStack } from '../../local/stack/stack.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { only, readResources } from '../testing/manifests.ts';
import {
  askedOf,
  commandsIn,
  knownResources,
  missingPaths,
  ownCommandsIn,
  readRunbooks,
  runbookFolders,
  unknownTo,
  usageOf,
} from '../testing/runbooks.ts';

const run = promisify(execFile);

describe('runbooks', () => {
  const usages = new Map<string, string>();
  const usage = async (command: string): Promise<string> => {
    const text = usages.get(command) ?? (await usageOf(command));
    usages.set(command, text);
    return text;
  };

  for (const folder of runbookFolders) {
    const texts = readRunbooks(folder);
    const lines = texts.flatMap(commandsIn);

    it(`of ${folder} name commands and options that there are`, async () => {
      const typed = lines.flatMap(ownCommandsIn);
      assert.ok(typed.length > 10);
      for (const one of typed) assert.deepEqual(unknownTo(await usage(one.command), one), [], one.whole);
    });

    it(`of ${folder} name files and folders that there are`, () => {
      assert.deepEqual(
        texts.flatMap((text) => missingPaths(text, folder)),
        [],
      );
    });

    it(`of ${folder} ask kubectl for what the manifests hold`, () => {
      const all = knownResources();
      const asked = lines.flatMap(askedOf);
      assert.ok(asked.length > 10, asked.join());
      // Made by a runbook itself, by kustomize, or by what a cluster must have.
      const made = new Set([
        ...['deployment/post-canary', 'cluster/restored', 'configmap/oxo-ca'],
        ...['deployment/istiod', 'deployment/cert-manager'],
      ]);
      assert.deepEqual(
        asked.filter((one) => !all.has(one) && !made.has(one)),
        [],
      );
    });
  }

  it('are looked through: what is planted is found, and nothing else', async () => {
    const planted =
      'see [how](rotate-secrets.md#now); `node mesh/istio/canaries.ts post 5`; `O=mesh/kubernetes/overlays/production`; base/posts.yaml; `$O/patch.yaml`';
    const present =
      'roll-out.md, mesh/istio/canary.ts, mesh/kubernetes/overlays/prod, base/post.yaml, http://auth:8081/jwks.json, >all.yaml';
    assert.deepEqual(missingPaths(`${planted} ${present}`, 'mesh/kubernetes/runbooks').sort(), [
      'base/posts.yaml',
      'mesh/istio/canaries.ts',
      'mesh/kubernetes/overlays/prod/patch.yaml',
      'mesh/kubernetes/overlays/production',
      'mesh/kubernetes/runbooks/rotate-secrets.md',
    ]);
    const lines = commandsIn(
      '```sh\n./oxo dead-letters erase --every   # all\nkubectl get deployment/nobody -o wide\n```',
    );
    const wrong = lines.flatMap(ownCommandsIn);
    const unknown = await Promise.all(wrong.map(async (one) => unknownTo(await usage(one.command), one)));
    assert.deepEqual(unknown.flat(), ['erase', '--every']);
    assert.deepEqual(lines.flatMap(askedOf), ['deployment/nobody']);
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
