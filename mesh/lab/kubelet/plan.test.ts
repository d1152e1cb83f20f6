import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import type { Container, Pod } from '../api/types.ts';
import type { Image } from './images.ts';
import { imageName } from './images.ts';
import { ContainerConfigError, foldersOf, planContainer } from './plan.ts';
import { sandboxCommand } from './sandbox.ts';

const images: Readonly<Record<string, Image>> = {
  oxo: {
    entrypoint: ['node', '--import', 'x'],
    workingDir: '/srv/oxo',
    env: { OXO_VERSION: '1.2', PORT: '1' },
    files: { '/usr/local/bin/node': process.execPath },
  },
};
const folders = foldersOf(temporaryFolder());
const at = { netNamespace: 'oxo-lab-000000-pod-1-1', folders };

function plan(container: Partial<Container>, spec: Partial<Pod['spec']> = {}) {
  const whole: Container = { name: 'app', image: 'registry.example/team/oxo:1.2@sha256:00', ...container };
  const pod: Pod = { metadata: { name: 'user-1', namespace: 'oxo-app' }, spec: { containers: [whole], ...spec } };
  return planContainer(pod, whole, images, { PORT: '50051' }, at);
}

test('an image is known by its last name', () => {
  assert.equal(imageName('registry.example:5000/team/oxo:1.2@sha256:00'), 'oxo');
  assert.equal(imageName('oxo'), 'oxo');
});

test('what is run is command and arguments, or the image with the arguments', () => {
  assert.deepEqual(plan({ args: ['main.ts', '$(PORT)', '$(NONE)'] }).sandbox.command, [
    ...['node', '--import', 'x', 'main.ts', '50051', '$(NONE)'],
  ]);
  const { sandbox, env } = plan({ command: ['/bin/true'], workingDir: '/tmp' });
  assert.deepEqual(sandbox.command, ['/bin/true']);
  assert.equal(sandbox.workingDir, '/tmp');
  assert.match(env.PATH ?? '', /^\/usr\/local\/sbin:/);
  assert.equal(env.HOSTNAME, 'user-1');
  assert.deepEqual([env.OXO_VERSION, env.PORT], ['1.2', '50051'], "the image's, unless the pod says otherwise");
});

test('a container runs as whom its pod says, with the rights that are left', () => {
  const securityContext = {
    ...{ runAsUser: 65_532, runAsGroup: 65_532, runAsNonRoot: true, readOnlyRootFilesystem: true },
    ...{ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  };
  const { sandbox } = plan({ securityContext }, { securityContext: { fsGroup: 7, supplementalGroups: [8] } });
  const { uid, gid, groups, capabilities, mayGainPrivileges, readOnlyRoot } = sandbox;
  assert.deepEqual(
    { uid, gid, groups, capabilities, mayGainPrivileges, readOnlyRoot },
    {
      ...{ uid: 65_532, gid: 65_532, groups: [7, 8], capabilities: [], mayGainPrivileges: false, readOnlyRoot: true },
    },
  );
  const root = plan({ securityContext: { capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'CAP_NET_RAW'] } } });
  assert.deepEqual(root.sandbox.capabilities, ['NET_ADMIN', 'NET_RAW']);
  // What the pod says holds for its containers unless they say otherwise.
  assert.equal(plan({}, { securityContext: { runAsUser: 5 } }).sandbox.uid, 5);
});

test('what cannot be run says why, as the kubelet would', () => {
  const refused = (reason: string, message: RegExp) => (error: unknown) =>
    error instanceof ContainerConfigError && error.reason === reason && message.test(error.message);
  assert.throws(() => plan({ image: 'postgres:18' }), refused('ErrImageNeverPull', /no image postgres:18, only oxo/));
  assert.throws(
    () => plan({ securityContext: { runAsNonRoot: true } }),
    refused('CreateContainerConfigError', /must not run as root/),
  );
  assert.throws(
    () => plan({ volumeMounts: [{ name: 'x', mountPath: '/x' }] }),
    refused('CreateContainerConfigError', /mounts the volume x, which the pod does not have/),
  );
});

test('volumes are mounted where the pod says; only those that are empty at first can be written', () => {
  mkdirSync(folders.volume('config'), { recursive: true });
  writeFileSync(join(folders.volume('config'), 'a.yaml'), 'a');
  const volumeMounts = [
    { name: 'config', mountPath: '/etc/oxo' },
    { name: 'config', mountPath: '/etc/one.yaml', subPath: 'a.yaml' },
    { name: 'tmp', mountPath: '/tmp' },
    { name: 'tmp', mountPath: '/data', readOnly: true },
  ];
  const volumes = [
    { name: 'config', configMap: { name: 'c' } },
    { name: 'tmp', emptyDir: {} },
  ];
  const mounts = plan({ volumeMounts }, { volumes }).sandbox.mounts.slice(1);
  assert.deepEqual(
    mounts.map(({ target, readOnly, isFile }) => [target, readOnly, isFile]),
    [
      ['/etc/oxo', true, false],
      ['/etc/one.yaml', true, true],
      ['/tmp', false, false],
      ['/data', true, false],
    ],
  );
});

test('no word of a pod is read by the shell that sets its container up', () => {
  const evil = `'; touch /tmp/x; '$(id)\`id\``;
  const { sandbox } = plan({ command: ['/bin/echo', evil], workingDir: evil }, { volumes: [] });
  const { args } = sandboxCommand(sandbox);
  const script = args[args.indexOf('-ec') + 1] ?? '';
  assert.equal(args.at(-1), evil, 'it is an argument');
  assert.doesNotThrow(() => execFileSync('/bin/sh', ['-n', '-c', script]), 'the script is one that a shell can read');
  const line = script.split('\n').find((one) => one.startsWith('cd ') && one.includes('touch')) ?? '';
  assert.equal(execFileSync('/bin/sh', ['-c', line.replace(/^cd/, 'printf %s')], { encoding: 'utf8' }), evil);
});
