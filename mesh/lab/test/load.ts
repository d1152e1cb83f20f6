import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createApi } from '../../local/client/api.ts';
import { type ApiClient, createApiClient } from '../../local/client/api-client.ts';
import { type Person, personOf, signUp } from '../../local/client/people.ts';
import { writePrivately } from '../../local/secrets.ts';
import { type Ingress, openIngress } from './ingress.ts';
import { lab } from './pods.ts';

/** People who write and read while something happens to the mesh. */
export type Load = {
  /** Requests that were answered as they should be so far. */
  readonly answered: () => number;
  /**
   * Ends it, and compares: nothing failed, nothing that was acknowledged is missing, and nothing is there twice.
   * @returns how many requests there were
   */
  readonly stop: () => Promise<number>;
};

/** Of each person; together they stay below what one person and one network may ask in a minute (gateway/envoy/limits/rates.ts). */
const people = 4;
const writePauseMs = 1_600;
const readPauseMs = 300;
const pageSize = 50;
const maxPages = 200;
const shownFailures = 8;

/** What happened so far. */
type Progress = {
  answered: number;
  isOver: boolean;
  readonly failures: string[];
  readonly written: Map<string, string[]>;
};

/** Each request is sent once: what fails, fails. */
export async function startLoad(): Promise<Load> {
  const ingress = await openIngress();
  const client = createApiClient({ frontDoor: ingress.url, connections: people * 3, maxAttempts: 1 });
  const crowd = await signInAll(ingress).catch((error: unknown) => {
    client.close();
    ingress.close();
    throw error;
  });
  const run = randomUUID();
  const record: Progress = { answered: 0, isOver: false, failures: [], written: new Map() };
  const running = crowd.flatMap((person) => [
    repeat(record, writePauseMs, () => write(client, person, run, record)),
    repeat(record, readPauseMs, () => read(client, person)),
  ]);
  return {
    answered: () => record.answered,
    stop: async () => {
      record.isOver = true;
      await Promise.all(running);
      try {
        const { failures } = record;
        const shown = [
          `${failures.length} requests failed, ${record.answered} did not`,
          ...failures.slice(0, shownFailures),
        ];
        assert.equal(failures.length, 0, shown.join('\n'));
        for (const person of crowd) await compare(client, person, run, record.written.get(person.userId) ?? []);
      } finally {
        client.close();
        ingress.close();
      }
      return record.answered;
    },
  };
}

/** The same people in each run, who sign up once: few may do that from one network in an hour. */
async function signInAll(ingress: Ingress): Promise<Person[]> {
  const client = createApiClient({ frontDoor: ingress.url, connections: people });
  const path = join(lab.dir, 'load-password');
  if (!existsSync(path)) writePrivately(path, `Load ${randomUUID()}`);
  const password = readFileSync(path, 'utf8');
  const api = createApi(client);
  try {
    const crowd: Person[] = [];
    for (let number = 1; number <= people; number += 1) {
      const handle = `lab_load_${number}`;
      const signedIn = api.signIn(handle, password).then((session) => personOf(api, handle, session));
      crowd.push(await signedIn.catch(() => signUp(api, handle, `Load ${number}`, password)));
    }
    return crowd;
  } finally {
    client.close();
  }
}

async function repeat(record: Progress, pauseMs: number, work: () => Promise<number>): Promise<void> {
  while (!record.isOver) {
    try {
      record.answered += await work();
    } catch (error) {
      record.failures.push(`${new Date().toISOString()} ${describe(error)}`);
    }
    await delay(pauseMs);
  }
}

/** @returns requests that were made */
async function write(client: ApiClient, person: Person, run: string, { written }: Progress): Promise<number> {
  const text = `${run} ${randomUUID()}`;
  await createApi(client).createPost(await person.token(), text, 'PUBLIC', randomUUID());
  written.set(person.userId, [...(written.get(person.userId) ?? []), text]);
  return 1;
}

async function read(client: ApiClient, person: Person): Promise<number> {
  await createApi(client).readFeed(await person.token(), 20);
  await client.call({ method: 'GET', path: `/users/${person.userId}`, token: await person.token() });
  return 2;
}

/** What was acknowledged in this run against the posts that are there. */
async function compare(client: ApiClient, person: Person, run: string, written: readonly string[]): Promise<void> {
  const found: string[] = [];
  let pageToken = '';
  for (let page = 0; page < maxPages; page += 1) {
    const query = new URLSearchParams({ pageSize: String(pageSize), ...(pageToken === '' ? {} : { pageToken }) });
    const path = `/users/${person.userId}/posts?${query}`;
    const { body } = await client.call({ method: 'GET', path, token: await person.token() });
    const { posts = [], nextPageToken = '' } = body as { posts?: { text: string }[]; nextPageToken?: string };
    const ofRun = posts.filter(({ text }) => text.startsWith(run));
    found.push(...ofRun.map(({ text }) => text));
    pageToken = nextPageToken;
    // The newest come first: a page with older ones only is behind them.
    if (pageToken === '' || ofRun.length === 0) break;
  }
  assert.deepEqual(found.toSorted(), [...written].sort(), 'what was acknowledged is there, once');
}

function describe(error: unknown): string {
  const { message = String(error), advice = [] } = error as { message?: string; advice?: readonly string[] };
  return [message, ...advice.slice(0, 1)].join(' ');
}
