import { PostCreated, PostDeleted, PostUpdated } from '#gen/oxo/post/v1/post_events.ts';
import { defineEvent } from '#kit/events/envelope.ts';

/** What this service publishes. */
export const postCreated = defineEvent('post.created', PostCreated);
export const postUpdated = defineEvent('post.updated', PostUpdated);
export const postDeleted = defineEvent('post.deleted', PostDeleted);
