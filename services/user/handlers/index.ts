/** What this service answers: one file an RPC. */

// UserService: people, through the front door.

export { deleteMe } from './delete-me.ts';
export { follow } from './follow.ts';
export { getMe } from './get-me.ts';
export { getUser } from './get-user.ts';
export { getUserByHandle } from './get-user-by-handle.ts';
export { listFollowers } from './list-followers.ts';
export { listFollowing } from './list-following.ts';
export { unfollow } from './unfollow.ts';
export { updateMe } from './update-me.ts';

// UserInternalService: our own services.

export { batchGetUsers } from './batch-get-users.ts';
export { batchGetUsersByHandle } from './batch-get-users-by-handle.ts';
export { confirmErasure } from './confirm-erasure.ts';
export { createUser } from './create-user.ts';
export { listFolloweeIds } from './list-followee-ids.ts';
export { resolveUser } from './resolve-user.ts';
export { streamFollowerIds } from './stream-follower-ids.ts';
