import { type Clock, MINUTE_MS, SECOND_MS } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import { API_KEY_CLIENT } from '#kit/identity/caller.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import type { ApiKeys } from '../api-keys/api-keys.ts';
import type { KeyText } from '../api-keys/key-text.ts';
import type { FindAccessToken } from '../oauth/storage/access-tokens.ts';
import { sessionIdOf } from '../sessions/key-sessions.ts';
import { hashOf } from '../tokens/hash.ts';
import type { TaggedTokens } from '../tokens/tags.ts';
import type { TokenIssuer } from '../tokens/token-issuer.ts';
import { createExchangeCache, type Exchanged } from './exchange-cache.ts';
import { createFailures } from './failures.ts';
import { type Credential, invalidCredential, readCredential, type Shown } from './shown-credentials.ts';

/** A token that is given out again lives on for so long: longer than a request may take. */
const REUSE_MARGIN_MS = 30 * SECOND_MS;
const NOTE_USE_EVERY_MS = MINUTE_MS;
const RETRY_AFTER_MS = SECOND_MS;

/** What a credential stands for. */
interface Standing {
  accountId: string;
  sessionId: string;
  clientId: string;
  scopes: readonly string[];
  /** When the credential ends, in milliseconds since the epoch. */
  expiresAtMs: number;
}

/**
 * Gives the short JWT that stands for an API key or for the access token of an OAuth client.
 * @param network of the client: what fails is counted by it
 * @throws OxoError CREDENTIALS_AMBIGUOUS, API_KEY_INVALID, TOKEN_INVALID; RATE_LIMITED when too much has failed; UNAVAILABLE
 */
export type Exchange = (shown: Shown, network: string) => Promise<string>;

export interface ExchangeOptions {
  apiKeys: Pick<ApiKeys, 'find' | 'touch'>;
  keyText: KeyText;
  findAccessToken: FindAccessToken;
  /** Tells which access tokens we have made. */
  accessTokens: Pick<TaggedTokens, 'isOurs'>;
  issuer: Pick<TokenIssuer, 'exchangedToken'>;
  denyList: DenyList;
  metrics: Metrics;
  clock: Clock;
  logger: Logger;
}

export function createExchange(options: ExchangeOptions): Exchange {
  const { apiKeys, keyText, findAccessToken, accessTokens, issuer, clock, logger } = options;
  const cache = createExchangeCache(options);
  const failures = createFailures(clock);
  /** A credential that many requests show at once is looked up once. As many as there are requests at most. */
  const underWay = new Map<string, Promise<Exchanged | undefined>>();

  async function standingOf(credential: Credential): Promise<Standing | undefined> {
    if (credential.kind === 'key') {
      const { keyId, generation } = credential.parts;
      const key = await apiKeys.find(credential.parts);
      return key && { ...key, sessionId: sessionIdOf(keyId, generation), clientId: API_KEY_CLIENT };
    }
    const token = await findAccessToken(credential.text);
    // What a client has for itself stands for nobody, and no RPC is for nobody.
    if (token?.accountId === undefined || token.grantId === undefined) return undefined;
    return { ...token, accountId: token.accountId, sessionId: token.grantId };
  }

  async function exchangeNew(credential: Credential): Promise<Exchanged | undefined> {
    const standing = await standingOf(credential);
    if (standing === undefined) return undefined;
    const { accountId, sessionId, expiresAtMs: endsAtMs } = standing;
    const token = await issuer.exchangedToken(standing);
    const isWhole = token.expiresAtMs + SECOND_MS < endsAtMs;
    // One that ends with its credential is given out to its end.
    const reuseUntilMs = isWhole ? token.expiresAtMs - REUSE_MARGIN_MS : token.expiresAtMs;
    const use = credential.kind === 'key' ? { keyId: credential.parts.keyId, notedAtMs: 0 } : undefined;
    return { ...token, accountId, sessionId, reuseUntilMs, use };
  }

  function noteUse({ use }: Exchanged): void {
    const nowMs = clock.nowMs();
    if (use === undefined || nowMs < use.notedAtMs + NOTE_USE_EVERY_MS) return;
    use.notedAtMs = nowMs;
    // Nobody waits for it, and nothing hangs on it.
    apiKeys.touch(use.keyId).catch((err: unknown) => logger.debug({ err }, 'the use of an API key was not noted'));
  }

  /** What somebody has made up counts for the network; what has a tag of ours counts for itself, so that neighbours take nothing from it. */
  function countedAs(credential: Credential, hash: string, network: string): string {
    if (credential.kind === 'key') return `${network} ${credential.parts.keyId}`;
    return accessTokens.isOurs(credential.text) ? `${network} ${hash}` : network;
  }

  async function lookUp(credential: Credential, hash: string, asker: string): Promise<Exchanged | undefined> {
    let isWrong = false;
    try {
      const exchanged = await exchangeNew(credential);
      isWrong = exchanged === undefined;
      if (exchanged === undefined) cache.setWrong(hash);
      else cache.set(hash, exchanged);
      return exchanged;
    } finally {
      // A database that is away is not the asker's failure.
      if (!isWrong) failures.giveBack(asker);
      underWay.delete(hash);
    }
  }

  /** @throws OxoError RATE_LIMITED before anything is looked up */
  function startLookUp(credential: Credential, hash: string, asker: string): Promise<Exchanged | undefined> {
    if (!failures.take(asker)) throw tooManyFailures();
    const running = lookUp(credential, hash, asker);
    underWay.set(hash, running);
    return running;
  }

  function read(shown: Shown, network: string): Credential {
    try {
      return readCredential(shown, keyText);
    } catch (error) {
      if (!failures.take(network)) throw tooManyFailures();
      throw error;
    }
  }

  return async (shown, network) => {
    const credential = read(shown, network);
    const hash = hashOf(credential.text).toString('base64');
    const known = cache.get(hash);
    if (known !== undefined && known !== 'wrong') {
      noteUse(known);
      return known.token;
    }
    // A program that goes on with a wrong credential costs nothing, and takes nothing from others in its network.
    if (known === 'wrong') throw invalidCredential(credential.kind);
    const asker = countedAs(credential, hash, network);
    const exchanged = await (underWay.get(hash) ?? startLookUp(credential, hash, asker));
    if (exchanged === undefined) throw invalidCredential(credential.kind);
    noteUse(exchanged);
    return exchanged.token;
  };
}

function tooManyFailures(): OxoError {
  return new OxoError('RATE_LIMITED', 'Too many wrong credentials. Try again in a moment.', {
    retryAfterMs: RETRY_AFTER_MS,
  });
}
