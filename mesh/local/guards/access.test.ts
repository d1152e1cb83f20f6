import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import { accessRuleOf, type MethodOptions } from '#kit/identity/access.ts';
import { createMetrics } from '#kit/metrics.ts';
import { rulesOf } from '#kit/rpc/middleware.ts';

describe('an RPC that declares no access', () => {
  const { getPost } = PostServiceDefinition.methods;
  const path = '/oxo.post.v1.PostService/GetPost';

  it('keeps its server from starting', () => {
    assert.throws(() => accessRuleOf(path, {}), /GetPost declares no access/);
    assert.throws(() => rulesOf(path, { idempotencyLevel: 'NO_SIDE_EFFECTS' }, createMetrics()), /declares no access/);
  });

  it('is none of ours', () => {
    assert.equal(typeof accessRuleOf(path, getPost.options as MethodOptions), 'function');
  });
});
