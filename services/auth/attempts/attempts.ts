import { siteOf } from '../origin/device.ts';
import type { Allowances } from './allowances.ts';
import { createTaking, type Limit, type TakingOptions } from './taking.ts';

/** An attempt that was counted. */
export interface Attempt {
  /** It was none that limits are for: it counts for nothing. Does not wait, and cannot fail. */
  giveBack(): void;
}

/**
 * Limits on what is tried again and again: passwords, registrations, tokens. Each throws RATE_LIMITED, the same whether or not there is such
 * an account, before anything costly is done. While Redis is away each process counts by itself, all but codes, and a metric tells how many. A network is as `networkOf`
 * gives it; one of IPv6 also takes from what its whole /48 may do.
 */
export interface Attempts {
  /**
   * Passwords. Counted by what was typed, and so the same whether there is such an account or not: counted by account, a handle and an email
   * address would tell that they are of one person.
   * @param identifier in the form in which two spellings are equal
   * @param device token of a device that the account knows: it is counted by itself, and whatever others do keeps nobody out there
   */
  login(identifier: string, network: string, device?: string): Promise<Attempt>;
  /** The password or code of somebody who is signed in already, before what only that person may do. */
  confirm(sessionId: string): Promise<Attempt>;
  /**
   * Codes of an authenticator app, after a password that is right. They are few, so that none passes that not all replicas count.
   * @param device as for `login`
   * @throws OxoError UNAVAILABLE while Redis is away
   */
  otp(accountId: string, network: string, device?: string): Promise<Attempt>;
  /**
   * The same codes where somebody is signed in already: who has only the password comes to no session, and uses up nothing of these.
   * @throws OxoError UNAVAILABLE while Redis is away
   */
  otpInSession(accountId: string, sessionId: string): Promise<Attempt>;
  /**
   * Passkeys of ours: nobody guesses one, but each costs a signature's verification.
   * @param device as for `login`
   */
  passkey(credential: string, network: string, device?: string): Promise<Attempt>;
  /** Passkeys that we do not know, which cost next to nothing, and keep out none that we do. */
  unknownPasskey(network: string): Promise<Attempt>;
  register(network: string): Promise<Attempt>;
  /** Refresh tokens. */
  refresh(network: string): Promise<Attempt>;
  /** Whoever says that they have forgotten their password. */
  forgot(network: string): Promise<Attempt>;
  /** What was mailed to reset a password, right or wrong. @param account that it says it is of, where it says so */
  reset(network: string, account?: string): Promise<Attempt>;
  /** What was mailed to verify an address, right or wrong. @param account as for `reset` */
  verify(network: string, account?: string): Promise<Attempt>;
  /** A mail that somebody who is signed in has sent to an address that is to be theirs. */
  confirmation(accountId: string): Promise<Attempt>;
  /** Apps that register themselves. */
  client(network: string): Promise<Attempt>;
  /** A browser that begins something at OAuth, for which a row is written that nobody may ever ask for. */
  browser(network: string): Promise<Attempt>;
  /** A device that begins something, by the client that it has. */
  device(clientId: string, network: string): Promise<Attempt>;
  /** A token that a client gets for itself; it lives for ten minutes. */
  ownToken(clientId: string): Promise<Attempt>;
  /** What a device shows and a person types: of ten thousand that wait, 120 tries an hour find one in two years. */
  deviceCode(network: string): Promise<Attempt>;
  /** Codes, refresh tokens and secrets that clients of OAuth show to get a token. */
  token(network: string): Promise<Attempt>;
  /** What they show to ask about a token, or to end it. */
  introspection(network: string): Promise<Attempt>;
}

/** So many times what one network may do, all of one /48 of IPv6 may. */
const NETWORKS_OF_SITE = 16;

export function createAttempts(options: TakingOptions): Attempts {
  const { limit, take } = createTaking(options);

  /** Whoever has a /48 of IPv6 has 65,536 networks: together they may do as much as sixteen. */
  function ofNetwork(name: keyof Allowances, network: string): Limit[] {
    const site = siteOf(network);
    if (site === undefined) return [limit(name, network)];
    const { allowance, ...ofSite } = limit(name, site);
    const attempts = allowance.attempts * NETWORKS_OF_SITE;
    return [limit(name, network), { ...ofSite, allowance: { ...allowance, attempts } }];
  }

  const from = (name: keyof Allowances, network: string): Promise<Attempt> => take(ofNetwork(name, network));

  function ofAccount(names: [keyof Allowances, keyof Allowances], network: string, account?: string): Promise<Attempt> {
    const [fromNetwork, ofIt] = names;
    return take([...ofNetwork(fromNetwork, network), ...(account === undefined ? [] : [limit(ofIt, account)])]);
  }

  return {
    login: (identifier, network, device) =>
      device === undefined
        ? take([
            limit('loginOfAccountFromNetwork', identifier, network),
            limit('loginOfAccount', identifier),
            ...ofNetwork('loginFromNetwork', network),
          ])
        : take([limit('loginOfAccountOnDevice', identifier, device)]),
    confirm: (sessionId) => take([limit('confirmOfSession', sessionId)]),
    otp: (accountId, network, device) =>
      take(
        device === undefined
          ? [limit('otpOfAccountFromNetwork', accountId, network), limit('otpOfAccount', accountId)]
          : [limit('otpOfAccountOnDevice', accountId, device)],
        [],
        'WILL_NOT_DO',
      ),
    otpInSession: (accountId, sessionId) =>
      take(
        [limit('otpOfAccountOnDevice', accountId, `session ${sessionId}`), limit('otpOfAccountInSessions', accountId)],
        [],
        'WILL_NOT_DO',
      ),
    passkey: (credential, network, device) =>
      device === undefined
        ? take([
            limit('passkeyOfCredentialFromNetwork', credential, network),
            ...ofNetwork('passkeyFromNetwork', network),
          ])
        : take([limit('passkeyOfCredentialOnDevice', credential, device)]),
    unknownPasskey: (network) => from('passkeyUnknownFromNetwork', network),
    register: (network) => from('registerFromNetwork', network),
    refresh: (network) => from('refreshFromNetwork', network),
    forgot: (network) => from('forgotFromNetwork', network),
    reset: (network, account) => ofAccount(['resetFromNetwork', 'resetOfAccount'], network, account),
    verify: (network, account) => ofAccount(['verifyFromNetwork', 'verifyOfAccount'], network, account),
    confirmation: (accountId) => take([limit('confirmationOfAccount', accountId)]),
    client: (network) => from('clientFromNetwork', network),
    browser: (network) => take([...ofNetwork('browserFromNetwork', network), limit('browser')]),
    device: (clientId, network) =>
      take([
        limit('deviceOfClientFromNetwork', clientId, network),
        ...ofNetwork('deviceFromNetwork', network),
        limit('device'),
      ]),
    ownToken: (clientId) => take([limit('ownTokenOfClient', clientId)]),
    deviceCode: (network) => from('deviceCodeFromNetwork', network),
    token: (network) => from('tokenFromNetwork', network),
    introspection: (network) => from('introspectionFromNetwork', network),
  };
}
