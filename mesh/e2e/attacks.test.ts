import { after, before, describe } from 'node:test';
import { accounts, guessesOfAccount } from './attacks/accounts.ts';
import { injection } from './attacks/injection.ts';
import { oauthCodes } from './attacks/oauth-codes.ts';
import { oauthGuesses } from './attacks/oauth-guesses.ts';
import { oauthInjection } from './attacks/oauth-injection.ts';
import { oauthPages } from './attacks/oauth-pages.ts';
import { oauthRedirects } from './attacks/oauth-redirects.ts';
import { oauthTokens } from './attacks/oauth-tokens.ts';
import { retiredKey } from './attacks/retired-key.ts';
import { behindTheFrontDoor } from './attacks/straight.ts';
import { tokens } from './attacks/tokens.ts';
import { traces } from './attacks/traces.ts';
import { testAll } from './testing/cases.ts';
import { type SpanSink, startSpanSink } from './testing/spans.ts';
import { environmentFor, startWorld, type World } from './testing/world.ts';

describe('attacks that must fail', () => {
  let world: World;
  let sink: SpanSink;
  before(async () => {
    sink = await startSpanSink();
    // Nothing is recorded, unless somebody brings it about.
    const tracing = { otlpEndpoint: sink.endpoint, samplingPercent: 0 };
    // Behind one proxy that is believed, so that whoever attacks can come from many networks.
    const serviceEnv = environmentFor('auth', { LIMIT_LOGIN_OF_ACCOUNT: `${guessesOfAccount}/1h` });
    world = await startWorld({ trustedHops: 1, serviceEnv, tracing });
  });
  after(async () => {
    await world.stop();
    await sink.stop();
  });

  testAll('forged tokens', tokens, () => world);
  testAll('behind the front door', behindTheFrontDoor, () => world);
  testAll('accounts and sessions', accounts, () => world);
  testAll('injection, and too much', injection, () => world);
  testAll('codes of OAuth', oauthCodes, () => world);
  testAll('addresses of clients', oauthRedirects, () => world);
  testAll('tokens of OAuth', oauthTokens, () => world);
  testAll('browsers and pages', oauthPages, () => world);
  testAll('guesses at OAuth', oauthGuesses, () => world);
  testAll('injection at OAuth, and too much', oauthInjection, () => world);
  testAll(
    'traces',
    traces(() => sink),
    () => world,
  );
  testAll('keys that are retired', retiredKey, () => world);
});
