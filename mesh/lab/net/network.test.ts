import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { netNames } from './names.ts';
import { makeNodeNetwork, makePodNetwork, ownNamespaces, removeNamespace, requirePrivileges } from './network.ts';
import { ip } from './run.ts';

const reason = await requirePrivileges().then(
  () => false as const,
  ({ message }: Error) => message,
);
const names = netNames(`${import.meta.dirname}/${process.pid}`);
after(async () => {
  for (const namespace of ownNamespaces(names)) await removeNamespace(namespace);
});

test('the node keeps its hardware address while pods come and go', { skip: reason }, async () => {
  await makeNodeNetwork(names, []);
  const address = async () => /link\/ether (\S+)/.exec(await ip('-n', names.node, 'link', 'show', 'pods'))?.[1];
  const before = await address();
  assert.ok(before);
  // Each has an address by chance: that the lowest of twenty is the first is unlikely.
  for (let number = 1; number <= 20; number += 1) await makePodNetwork(names, `10.88.1.${number}`);
  assert.equal(await address(), before);
  for (let number = 1; number <= 20; number += 1) await removeNamespace(names.pod(`10.88.1.${number}`));
  assert.equal(await address(), before);
});
