import { systemClock } from '#kit/clock.ts';
import type { Progress } from '../local/cli/progress.ts';
import { type Api, createApi } from '../local/client/api.ts';
import { createApiClient } from '../local/client/api-client.ts';
import { inParallel } from '../local/client/in-parallel.ts';
import { newRunId, type Person, personAt, signUp } from '../local/client/people.ts';
import { rawRequest, type Target } from './load/raw-connection.ts';

/** The people of a run, who are nobody else's. */
export type Crowd = {
  /** Each follows the next 20 in the circle, so each has 20 followers, and a first page is of 20 authors. */
  readonly viewers: readonly Person[];
  /** Followed by all viewers. */
  readonly stars: readonly Person[];
};

/** Followers that each viewer has. */
export const followersEach = 20;
const starCount = 4;
const connections = 32;
/** Of everyone of a run. */
export const crowdPassword = 'a password for the bench 7';
/** So long that a page of 20 items is about 10 KB of JSON; accents, so that it is not all ASCII. */
const postText =
  'Trên đường về nhà tôi gặp lại một người bạn cũ; we talked about the river, the long rain and the price of coffee, ' +
  'until it was dark and the lamps came on along the street. Then we said good night, and each went home.';

/** Signs everyone up, makes them follow one another, and lets each write one post. None of it is measured. */
export async function gatherCrowd(
  frontDoor: string,
  viewerCount: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<Crowd> {
  const client = createApiClient({ frontDoor, connections, signal });
  try {
    const api = createApi(client);
    const people = await signUpAll(api, viewerCount + starCount, progress);
    const crowd = { viewers: people.slice(0, viewerCount), stars: people.slice(viewerCount) };
    await followAll(api, crowd, progress);
    const phase = progress.phase('first posts', viewerCount);
    await inParallel(crowd.viewers, connections, async (viewer) => {
      await api.createPost(await viewer.token(), postText, 'PUBLIC', `${viewer.handle}-first`);
      phase.done();
    });
    phase.end();
    return crowd;
  } finally {
    client.close();
  }
}

async function signUpAll(api: Api, count: number, progress: Progress): Promise<Person[]> {
  const phase = progress.phase('signing up', count);
  const runId = newRunId(systemClock.nowMs());
  const people: Person[] = [];
  await inParallel([...Array(count).keys()], connections, async (number) => {
    people[number] = await signUp(api, `b${runId}_${number}`, `Bench Person ${number}`, crowdPassword);
    phase.done();
  });
  phase.end();
  return people;
}

async function followAll(api: Api, { viewers, stars }: Crowd, progress: Progress): Promise<void> {
  // One of each viewer in turn: what one person follows is written one after the other, whoever asks at once.
  const steps = [...Array(followersEach).keys()];
  const follows = [
    ...steps.flatMap((step) =>
      viewers.map((viewer, number) => ({
        viewer,
        followee: personAt(viewers, followeesOf(number, viewers.length)[step] ?? -1),
      })),
    ),
    ...stars.flatMap((followee) => viewers.map((viewer) => ({ viewer, followee }))),
  ];
  const phase = progress.phase('follows', follows.length);
  await inParallel(follows, connections, async ({ viewer, followee }) => {
    await api.follow(await viewer.token(), followee.userId);
    phase.done();
  });
  phase.end();
}

/** Whom a viewer follows: the next in the circle. */
export function followeesOf(viewer: number, viewers: number): number[] {
  return Array.from({ length: followersEach }, (_, step) => (viewer + step + 1) % viewers);
}

/** One of those who follow a viewer: the one before. */
export function followerOf(viewer: number, viewers: number): number {
  return (viewer - 1 + viewers) % viewers;
}

/** Requests of the first page of each viewer's feed. */
export async function feedRequests(viewers: readonly Person[], target: Target): Promise<string[]> {
  return Promise.all(
    viewers.map(async (viewer) => rawRequest(target, 'GET', '/feed?pageSize=20', await viewer.token())),
  );
}

/** A post by each author. */
export async function postRequests(authors: readonly Person[], target: Target): Promise<string[]> {
  const body = { text: postText, visibility: 'PUBLIC' };
  return Promise.all(authors.map(async (author) => rawRequest(target, 'POST', '/posts', await author.token(), body)));
}
