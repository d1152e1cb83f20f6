import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { accessRuleOf, type MethodOptions } from '#kit/identity/access.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { rulesOf } from '#kit/rpc/middleware.ts';
import { repositoryRoot } from '../settings.ts';

type Definition = {
  readonly fullName: string;
  readonly methods: Readonly<Record<string, { readonly name: string; readonly options: MethodOptions }>>;
};

/** Every RPC of every contract in gen/, by its path. */
async function readMethods(): Promise<Map<string, MethodOptions>> {
  const methods = new Map<string, MethodOptions>();
  for (const file of globSync('gen/ts/oxo/**/*_service.ts', { cwd: repositoryRoot })) {
    const contract = (await import(join(repositoryRoot, file))) as Readonly<Record<string, unknown>>;
    for (const [name, exported] of Object.entries(contract)) {
      if (!name.endsWith('ServiceDefinition')) continue;
      const { fullName, methods: found } = exported as Definition;
      for (const method of Object.values(found)) methods.set(`/${fullName}/${method.name}`, method.options);
    }
  }
  return methods;
}

describe('an RPC that declares no access', () => {
  const path = '/oxo.post.v1.PostService/GetPost';

  it('keeps its server from starting', () => {
    assert.throws(() => accessRuleOf(path, {}), /GetPost declares no access/);
    const method = { options: { idempotencyLevel: 'NO_SIDE_EFFECTS' }, responseStream: false };
    assert.throws(() => rulesOf(path, method, createMetrics()), /declares no access/);
  });

  it('is none of ours', async () => {
    const methods = await readMethods();
    assert.ok(methods.has(path) && methods.has('/oxo.user.v1.UserInternalService/StreamFollowerIds'));
    for (const [each, options] of methods) assert.doesNotThrow(() => accessRuleOf(each, options), each);
  });
});
