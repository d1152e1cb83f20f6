/** The RPCs of this service. */
export { getFeed } from './get-feed.ts';
