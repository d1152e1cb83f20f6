import assert from 'node:assert/strict';
import { makeAdmin } from '../testing/admins.ts';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import { follow, type Person, post, readFeed, signUpAll } from '../testing/people.ts';
import { readTables } from '../testing/tables.ts';
import type { World } from '../testing/world.ts';
import type { Cast, Refused } from './refused.ts';
import { wrongBodies, wrongTexts, wrongTypes, wrongValues } from './wrong-bodies.ts';
import { wrongHeaders, wrongIds, wrongQueries } from './wrong-paths.ts';

/** Requests that are under way at the same time. */
const lanes = 8;

/** Two people who know each other, with a post each. One is an administrator, so that there is no RPC that they may not call. */
export async function makeCast(world: World): Promise<Cast> {
  const { api, settled } = world;
  const [one, other] = (await signUpAll(api, 2)) as [Person, Person];
  const me = await makeAdmin(world, one);
  await follow(api, me, other);
  const [myPost, theirPost] = [await post(api, me, 'mine'), await post(api, other, 'theirs')];
  await settled();
  return { me, other, myPost, theirPost };
}

/** Every one is refused as it says, all differences are told at once, and no row of any table changed. */
export async function requireRefused(world: World, cast: Cast, refused: readonly Refused[]): Promise<void> {
  const before = await readTables(world.stack);
  const feed = await readFeed(world.api, cast.me);
  const problems: string[] = [];
  const waiting = [...refused];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const problem = await problemOf(world, next);
      if (problem !== undefined) problems.push(problem);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  assert.deepEqual(problems, [], `${problems.length} of ${refused.length} are not refused as they must be`);
  assert.deepEqual(await readTables(world.stack), before);
  assert.deepEqual(await readFeed(world.api, cast.me), feed);
}

async function problemOf(
  { api }: World,
  { what, request, status, reason, field }: Refused,
): Promise<string | undefined> {
  try {
    const error = await refusal(api, request);
    const expected = `${status} ${reason} ${field ?? ''}`;
    const answered = `${error.status} ${error.reason} ${field === undefined ? '' : [...new Set(error.fields)].join()}`;
    return answered === expected ? undefined : `${what}: ${answered} instead of ${expected}: ${error.message}`;
  } catch (error) {
    return `${what}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function testOf(make: (cast: Cast) => Refused[]): Cases[string] {
  return async (world) => {
    const cast = await makeCast(world);
    await requireRefused(world, cast, make(cast));
  };
}

/** Every line of bad input, in every RPC that has such a field. */
export const badInput: Cases = {
  'texts: empty, too long in characters or bytes, U+0000': testOf(wrongTexts),
  'values of the wrong type, unknown names of enums': testOf(wrongTypes),
  'unknown numbers of enums, and what has the right type but is wrong': testOf(wrongValues),
  'bodies: bad UTF-8, no JSON object, over the limit': testOf(wrongBodies),
  'query parameters: unknown, of the wrong type, negative sizes, page tokens that are none': testOf(wrongQueries),
  'ids that are none or belong to nobody, oneself, posts of others': testOf(wrongIds),
  'headers that gRPC cannot carry, keys that are too long': testOf(wrongHeaders),
};
