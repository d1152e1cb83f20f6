import assert from 'node:assert/strict';
import type { Post } from '#gen/oxo/post/v1/post.ts';
import { truncate } from '#kit/testing/truncate.ts';
import type { TestPostService } from './post-service.ts';

/** A post whose text is "first"; the outbox is empty afterwards. For tests of what becomes of a post. */
export async function freshPost(service: TestPostService, author: string): Promise<Post> {
  const { post } = await service.as(author).createPost({ text: 'first' });
  assert.ok(post);
  await truncate(service.db, 'outbox');
  return post;
}
