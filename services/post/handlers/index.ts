/** What this service answers: one file an RPC. */

// PostService: people, through the front door.

export { createPost } from './create-post.ts';
export { deletePost } from './delete-post.ts';
export { getPost } from './get-post.ts';
export { listPostRevisions } from './list-post-revisions.ts';
export { listUserPosts } from './list-user-posts.ts';
export { updatePost } from './update-post.ts';

// PostInternalService: our own services.

export { batchGetPosts } from './batch-get-posts.ts';
export { listPostsByAuthors } from './list-posts-by-authors.ts';
export { listPublicPosts } from './list-public-posts.ts';
export { publishRecentPosts } from './publish-recent-posts.ts';
