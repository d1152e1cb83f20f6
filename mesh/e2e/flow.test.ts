import { after, before, describe } from 'node:test';
import { accounts } from './flow/accounts.ts';
import { apiKeys } from './flow/api-keys.ts';
import { browsers } from './flow/browsers.ts';
import { deletion } from './flow/deletion.ts';
import { entities } from './flow/entities.ts';
import { etags } from './flow/etags.ts';
import { feeds } from './flow/feeds.ts';
import { idempotency } from './flow/idempotency.ts';
import { oauth } from './flow/oauth.ts';
import { paging } from './flow/paging.ts';
import { publicFeed } from './flow/public-feed.ts';
import { pulled } from './flow/pulled.ts';
import { reference } from './flow/reference.ts';
import { sessions } from './flow/sessions.ts';
import { since } from './flow/since.ts';
import { visibility } from './flow/visibility.ts';
import { pushedFollowers, windowEntries } from './flow/window.ts';
import { testAll } from './testing/cases.ts';
import { environmentFor, startWorld, type World } from './testing/world.ts';

describe('the main flow through the front door', () => {
  let world: World;
  before(async () => {
    const feed = environmentFor('feed', { FEED_WINDOW_ENTRIES: String(windowEntries) });
    const user = environmentFor('user', { ERASE_AFTER_SECONDS: '1' });
    const serviceEnv = (name: string) => ({ ...feed(name), ...user(name) });
    world = await startWorld({ serviceEnv, maxPushedFollowers: pushedFollowers });
  });
  after(() => world.stop());

  testAll('posts and feeds', feeds, () => world);
  testAll('what posts name', entities, () => world);
  testAll('paging', paging, () => world);
  testAll('what has arrived since', since, () => world);
  testAll('the public feed', publicFeed, () => world);
  testAll('pulled authors', pulled, () => world);
  testAll('posts for followers', visibility, () => world);
  testAll('accounts and profiles', accounts, () => world);
  testAll('sessions', sessions, () => world);
  testAll('API keys', apiKeys, () => world);
  testAll('pages in a browser', browsers, () => world);
  testAll('the API reference', reference, () => world);
  testAll('the end of an account', deletion, () => world);
  testAll('If-Match', etags, () => world);
  testAll('Idempotency-Key', idempotency, () => world);
  testAll('clients of others', oauth, () => world);
});
