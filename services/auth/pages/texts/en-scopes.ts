import type { API_SCOPES, IDENTITY_SCOPES } from '../../tokens/scopes.ts';

/** What an app, or an API key, may do with each scope, as people say it. */
export const enScopes: Readonly<Record<(typeof API_SCOPES)[number] | (typeof IDENTITY_SCOPES)[number], string>> = {
  openid: 'Know which account is yours',
  profile: 'See your name, handle and website',
  email: 'See your email address',
  offline_access: 'Stay connected when you are not using it, until you take this back',
  'profile:read': 'See your profile, settings and whom you follow',
  'profile:write': 'Change your profile and settings',
  'posts:read': 'See posts that you can see',
  'posts:write': 'Write, change and delete posts as you',
  'follows:write': 'Follow and unfollow people as you',
  'feed:read': 'Read your feed',
  'media:write': 'Upload pictures and videos as you',
  'notifications:read': 'Read your notifications',
  'notifications:write': 'Change your notifications and their settings',
};
