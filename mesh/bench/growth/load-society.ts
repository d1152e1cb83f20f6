import type pg from 'pg';
import { DAY_MS, systemClock } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { encodeRefreshToken, newRefreshToken } from '../../../services/auth/sessions/refresh-token.ts';
import { hashOf } from '../../../services/auth/tokens/hash.ts';
import { withClient } from '../../local/servers/postgres-client.ts';
import type { Society } from './society.ts';

export type LoadedPost = { readonly id: string; readonly publishedAtMs: number };

export type LoadedSociety = {
  /** By person. */
  readonly userIds: readonly string[];
  readonly posts: readonly (readonly LoadedPost[])[];
  /** By place in `active`: a session that can be refreshed. */
  readonly refreshTokens: readonly string[];
};

const connectTimeoutMs = 10_000;
const rowsPerStatement = 20_000;
const postsOfDays = 30;
const sessionMs = 30 * DAY_MS;
const text =
  'Trên đường về nhà tôi gặp lại một người bạn cũ; we talked about the river, the long rain and the price of coffee, ' +
  'until it was dark and the lamps came on along the street. Then we said good night, and each went home.';

type Column = { readonly name: string; readonly type: string };

/**
 * Writes a society straight into the tables, as it would stand there when all had signed up, followed and posted by the API and all
 * events were long through: no outbox rows, and nothing in Redis, which fills itself. One can sign in by the sessions alone,
 * since hashing a password for each account would take longer than all the rest. Nobody is so famous yet as to be pulled: the user service
 * looks at those who win or lose a follower, and here nobody has.
 * @param database URL of an administrator, of a stack that nobody uses yet
 */
export function loadSociety(database: string, society: Society): Promise<LoadedSociety> {
  const options = { connectionTimeoutMillis: connectTimeoutMs, application_name: 'oxo-bench' };
  return withClient(database, options, async (client) => {
    await client.query('set synchronous_commit = off');
    const nowMs = systemClock.nowMs();
    const userIds = Array.from({ length: society.people }, (_, person) => newId(nowMs - postsOfDays * DAY_MS + person));
    await insertPeople(client, society, userIds, nowMs);
    const refreshTokens = await insertSessions(client, society, userIds, nowMs);
    await insertFollows(client, society, userIds, nowMs);
    const posts = await insertPosts(client, society, userIds, nowMs);
    // As autovacuum would have done by and by. First the log is synced: before, vacuum may not call a row visible to all, and
    // indexes alone would answer nothing.
    await client.query('checkpoint');
    await client.query('vacuum analyze');
    await client.query('checkpoint');
    return { userIds, posts, refreshTokens };
  });
}

async function insertPeople(
  client: pg.Client,
  { people, followees }: Society,
  userIds: readonly string[],
  nowMs: number,
) {
  const numbers = [...Array(people).keys()];
  const [ids, handles] = [
    { name: 'id', type: 'uuid' },
    { name: 'handle', type: 'text' },
  ];
  const handleOf = (person: number): string => `grown_${person}`;
  await insert(
    client,
    [ids, handles],
    numbers.map((person) => [userIds[person], handleOf(person)]),
    {
      into: 'auth.accounts (id, email, password_hash, state, created_at_ms)',
      select: `id, handle || '@demo.oxo.example', 'none', 'ACTIVE', ${nowMs}`,
    },
  );
  await insert(
    client,
    [ids, handles, { name: 'following', type: 'integer' }],
    numbers.map((person) => [userIds[person], handleOf(person), followees[person]?.length ?? 0]),
    {
      into: 'users.users (id, handle, display_name, following_count, created_at_ms, version)',
      select: `id, handle, 'Grown Person', following, ${nowMs}, nextval('users.outbox_id_seq')`,
    },
  );
}

async function insertSessions(
  client: pg.Client,
  { active }: Society,
  userIds: readonly string[],
  nowMs: number,
): Promise<string[]> {
  const tokens = active.map(() => newRefreshToken(newId(nowMs)));
  const columns = ['id', 'account'].map((name) => ({ name, type: 'uuid' }));
  const hashes = ['family', 'secret'].map((name) => ({ name, type: 'bytea' }));
  const rows = tokens.map(({ sessionId, family, secret }, index) => [
    ...[sessionId, userIds[active[index] ?? -1]],
    ...[family, secret].map((part) => `\\\\x${hashOf(part).toString('hex')}`),
  ]);
  await insert(client, [...columns, ...hashes], rows, {
    into: `auth.sessions (id, account_id, family_hash, current_hash, user_agent, ip, created_at_ms, last_seen_at_ms,
      expires_at_ms)`,
    select: `id, account, family, secret, '', '127.0.0.1', ${nowMs}, ${nowMs}, ${nowMs + sessionMs}`,
  });
  return tokens.map(encodeRefreshToken);
}

async function insertFollows(client: pg.Client, { followees }: Society, userIds: readonly string[], nowMs: number) {
  const columns = ['follower', 'followee'].map((name) => ({ name, type: 'uuid' }));
  const edges = followees.flatMap((chosen, person) => chosen.map((followee) => [userIds[person], userIds[followee]]));
  await insert(client, columns, edges, {
    into: 'users.follows (follower_id, followee_id, created_at_ms, version)',
    select: `follower, followee, ${nowMs}, nextval('users.outbox_id_seq')`,
  });
  // The same parts as in services/user/graph/follow-statements.ts.
  await client.query(`insert into users.follower_counts (user_id, slot, followers)
    select followee_id, get_byte(uuid_send(follower_id), 15) & 15, count(*) from users.follows group by 1, 2`);
}

async function insertPosts(
  client: pg.Client,
  { postCounts }: Society,
  userIds: readonly string[],
  nowMs: number,
): Promise<LoadedPost[][]> {
  const total = postCounts.reduce((sum, count) => sum + count, 0);
  let written = 0;
  // Spread evenly: each person's posts are some of every so many.
  const timeOf = (): number => nowMs - Math.floor(((written++ * 7_919) % total) * ((postsOfDays * DAY_MS) / total)) - 1;
  const posts = postCounts.map((count) =>
    Array.from({ length: count }, () => {
      const publishedAtMs = timeOf();
      return { id: newId(publishedAtMs), publishedAtMs };
    }),
  );
  const columns = [...['id', 'author'].map((name) => ({ name, type: 'uuid' })), { name: 'at', type: 'bigint' }];
  const rows = posts.flatMap((own, person) => own.map(({ id, publishedAtMs }) => [id, userIds[person], publishedAtMs]));
  await insert(client, columns, rows, {
    into: 'posts.posts (id, author_id, text, visibility, published_at_ms, version)',
    // Public.
    select: `id, author, ${client.escapeLiteral(text)}, 1, at, nextval('posts.outbox_id_seq')`,
  });
  return posts;
}

/** Inserts rows of ids, numbers and words that need no quotes in an array. */
async function insert(
  client: pg.Client,
  columns: readonly Column[],
  rows: readonly (readonly (string | number | undefined)[])[],
  { into, select }: { readonly into: string; readonly select: string },
): Promise<void> {
  const arrays = columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
  const names = columns.map(({ name }) => name).join(', ');
  const statement = `insert into ${into} select ${select} from unnest(${arrays}) as input (${names})`;
  for (let start = 0; start < rows.length; start += rowsPerStatement) {
    const some = rows.slice(start, start + rowsPerStatement);
    await client.query(
      statement,
      columns.map((_, index) => `{${some.map((row) => row[index]).join(',')}}`),
    );
  }
}
