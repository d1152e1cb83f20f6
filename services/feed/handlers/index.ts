/** What this service answers: one file an RPC. */

// FeedService: people, through the front door.

export { getFeed } from './get-feed.ts';
export { getPublicFeed } from './get-public-feed.ts';
