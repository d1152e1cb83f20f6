import {
  UserDeleted,
  UserFollowed,
  UserFollowsErased,
  UserRegistered,
  UserUnfollowed,
  UserUpdated,
} from '#gen/oxo/user/v1/user_events.ts';
import { defineEvent } from '#kit/events/envelope.ts';

/** What this service publishes. */
export const userRegistered = defineEvent('user.registered', UserRegistered);
export const userUpdated = defineEvent('user.updated', UserUpdated);
export const userDeleted = defineEvent('user.deleted', UserDeleted);
export const userFollowed = defineEvent('user.followed', UserFollowed);
export const userUnfollowed = defineEvent('user.unfollowed', UserUnfollowed);
export const userFollowsErased = defineEvent('user.follows_erased', UserFollowsErased);
