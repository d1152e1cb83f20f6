import pg from 'pg';
import { z } from 'zod';
import type { ApiClient } from '../client/api-client.ts';
import { inParallel } from '../client/in-parallel.ts';
import type { Person } from '../client/people.ts';
import { type ExpectedFeeds, type KnownPost, newestFirst } from '../demo/expected-feeds.ts';
import type { StackUrls } from '../stack/plan.ts';
import { compareList, type Listed } from './compare-list.ts';
import type { CrowdRun } from './crowd.ts';

const maxPages = 10_000;
const listSchema = z.object({
  posts: z.array(z.object({ id: z.string(), createdAt: z.string(), text: z.string() })).default([]),
  nextPageToken: z.string().default(''),
});
const userSchema = z.object({ user: z.object({ followersCount: z.number(), followingCount: z.number() }) });

/** What one person has written and not deleted, newest first. */
function ownPosts(expected: ExpectedFeeds, person: number): KnownPost[] {
  return expected.feedOf(person).filter(({ author }) => author === person);
}

/**
 * Compares the rows of Postgres with what was acknowledged: posts, and who follows whom.
 * @param databases by service, as its own user
 */
export async function verifyTables(
  run: CrowdRun,
  people: readonly Person[],
  databases: StackUrls['databases'],
): Promise<void> {
  const ids = people.map(({ userId }) => userId);
  const posts = await read<{ id: string; authorId: string; text: string; atMs: number }>(
    databases.post,
    `select id, author_id as "authorId", text, published_at_ms::float8 as "atMs" from posts.posts
      where author_id = any($1::uuid[])`,
    ids,
  );
  for (const [number, { userId }] of people.entries()) {
    const rows = posts.filter(({ authorId }) => authorId === userId);
    const listed = rows.map(({ id, text, atMs }) => ({ id, text, createdAtMs: atMs })).sort(newestFirst);
    compareList(run, `posts of person ${number} in Postgres`, ownPosts(run.expected, number), listed);
  }
  const follows = await read<{ edge: string }>(
    databases.user,
    `select follower_id || ' ' || followee_id as edge from users.follows where follower_id = any($1::uuid[])`,
    ids,
  );
  compareFollows(run, people, new Set(follows.map(({ edge }) => edge)));
}

async function read<Row extends pg.QueryResultRow>(
  url: string | undefined,
  sql: string,
  ids: readonly string[],
): Promise<Row[]> {
  const client = new pg.Client(url ?? '');
  await client.connect();
  try {
    return (await client.query<Row>(sql, [ids])).rows;
  } finally {
    await client.end();
  }
}

function compareFollows({ expected, findings }: CrowdRun, people: readonly Person[], edges: ReadonlySet<string>): void {
  for (const [follower, { userId }] of people.entries()) {
    for (const [followee, other] of people.entries()) {
      const [wanted, there] = [expected.followersOf(followee).has(follower), edges.has(`${userId} ${other.userId}`)];
      if (wanted && !there) findings.add('lost', `person ${follower} follows ${followee}, in Postgres`);
      if (!wanted && there) findings.add('wrong', `person ${follower} does not follow ${followee}, in Postgres`);
    }
  }
}

/** The same by the API: everybody's list of posts, page by page, and their counts. */
export async function verifyLists(run: CrowdRun, people: readonly Person[], { call }: ApiClient): Promise<void> {
  const phase = run.progress.phase('comparing every list', people.length);
  await inParallel([...people.entries()], run.connections, async ([number, person]) => {
    const listed: Listed[] = [];
    let pageToken = '';
    for (let page = 0; page < maxPages; page += 1) {
      const path = `/users/${person.userId}/posts?${new URLSearchParams({ pageSize: '100', pageToken })}`;
      const answer = listSchema.parse((await call({ method: 'GET', path, token: await person.token() })).body);
      for (const { id, text, createdAt } of answer.posts) listed.push({ id, text, createdAtMs: Date.parse(createdAt) });
      pageToken = answer.nextPageToken;
      if (pageToken === '') break;
    }
    compareList(run, `the list of person ${number}`, ownPosts(run.expected, number), listed);
    const { user } = userSchema.parse((await call({ method: 'GET', path: `/users/${person.userId}` })).body);
    const followees = [...people.keys()].filter((other) => run.expected.followersOf(other).has(number)).length;
    const [wanted, found] = [
      [run.expected.followersOf(number).size, followees],
      [user.followersCount, user.followingCount],
    ];
    if (String(wanted) !== String(found))
      run.findings.add('wrong', `counts of person ${number}: ${found}, not ${wanted}`);
    phase.done();
  });
  phase.end();
}
