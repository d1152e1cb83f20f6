import { count } from '../../local/cli/statistics.ts';
import { createApi } from '../../local/client/api.ts';
import { createApiClient } from '../../local/client/api-client.ts';
import { inParallel } from '../../local/client/in-parallel.ts';
import type { Person } from '../../local/client/people.ts';
import { crowdPassword, feedRequests } from '../crowd.ts';
import type { MeasureContext } from './context.ts';
import { figuresOf, type ReadFigures, type Round, readWith } from './feed-reads.ts';

export type KeyReadFigures = {
  /** By the tokens of sign-ins, which pass by the exchange. */
  readonly byToken: ReadFigures;
  /** By API keys, which the front door has exchanged each time. */
  readonly byKey: ReadFigures;
};

/** They take turns, so that a machine that gets slower does so for both. */
const rounds = 4;
/** People with a key; each is exchanged anew once in five minutes. */
const people = 100;
const connections = 16;

/** Reads the same feeds by tokens and by API keys, in turn. */
export async function measureKeyReads(context: MeasureContext): Promise<KeyReadFigures> {
  const { stack, crowd, seconds, progress, signal } = context;
  const viewers = crowd.viewers.slice(0, people);
  const phase = progress.phase('feed reads by token and by API key', rounds * 2 + 1);
  const keys = await makeKeys(stack.plan.urls.frontDoor, viewers, signal);
  phase.done();
  const byToken: Round[] = [];
  const byKey: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const withTokens = await feedRequests(viewers, stack.frontDoor);
    const withKeys = withTokens.map((request, viewer) => showKey(request, keys[viewer] ?? ''));
    byToken.push(await readWith(context, withTokens, seconds / rounds));
    phase.done();
    byKey.push(await readWith(context, withKeys, seconds / rounds));
    phase.done();
  }
  phase.end(`${count(byKey.reduce((sum, { result }) => sum + result.requests, 0))} feeds read by API key`);
  return { byToken: figuresOf(byToken), byKey: figuresOf(byKey) };
}

async function makeKeys(frontDoor: string, viewers: readonly Person[], signal: AbortSignal): Promise<string[]> {
  const client = createApiClient({ frontDoor, connections, signal });
  try {
    const api = createApi(client);
    const keys: string[] = [];
    await inParallel([...viewers.keys()], connections, async (viewer) => {
      // A key needs a sign-in of the last 15 minutes, and what was measured before may have taken longer.
      const { accessToken } = await api.signIn(viewers[viewer]?.handle ?? '', crowdPassword);
      keys[viewer] = await api.createApiKey(accessToken, 'bench', ['feed:read']);
    });
    return keys;
  } finally {
    client.close();
  }
}

/** The same request, with a key where the token was. */
function showKey(request: string, key: string): string {
  return request.replace(/^authorization: .*$/im, `x-api-key: ${key}`);
}
