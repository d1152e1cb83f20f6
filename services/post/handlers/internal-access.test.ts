import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { testInternalAccess } from '#kit/testing/internal-access-suite.ts';
import { refused } from '#kit/testing/refused.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';

let service: TestPostService;
before(async () => {
  service = await startPostService({ withUser: false });
});
after(() => service.close());

testInternalAccess(
  PostInternalServiceDefinition,
  { batchGetPosts: ['feed'], listPostsByAuthors: ['feed'], listPublicPosts: ['feed'], publishRecentPosts: ['feed'] },
  () => service,
);

test('BatchGetPosts is for a person: without their token it is refused', async () => {
  await assert.rejects(service.internal('feed').batchGetPosts({}), refused('TOKEN_MISSING'));
});
