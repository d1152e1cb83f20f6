import type { HttpExchange } from '../http/server.ts';
import type { Interactions } from '../oauth/interactions/interactions.ts';
import type { OAuth } from '../oauth/oauth.ts';
import type { OpenedSession } from '../sessions/sessions.ts';
import type { Browsers } from './browsers.ts';
import type { Destination } from './destination.ts';
import { goOn } from './page-handlers.ts';

/** Leads a person who has signed in or up just now to where they wanted to go. */
export type Arrive = (exchange: HttpExchange, destination: Destination, session: OpenedSession) => Promise<void>;

export function createArrive(parts: {
  browsers: Pick<Browsers, 'enter'>;
  interactions: Pick<Interactions, 'finishLogin'>;
  endOthers: OAuth['endBrowser'];
  issuer: string;
}): Arrive {
  const { browsers, interactions, endOthers, issuer } = parts;
  return async (exchange, destination, session) => {
    const { accountId, signedInAtMs: atMs, factors, epoch } = session;
    browsers.enter(exchange.response, session);
    if ('interaction' in destination) {
      const { id } = destination.interaction;
      const login = { accountId, atMs, factors, epoch };
      return goOn(exchange, await interactions.finishLogin(exchange, id, login), issuer);
    }
    // Apps that go on in this browser go on as this person.
    await endOthers(exchange, { butOf: accountId });
    goOn(exchange, destination.back, issuer);
  };
}
