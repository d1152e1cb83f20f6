import type { HttpExchange } from '../http/server.ts';
import type { Interactions, OAuthInteraction } from '../oauth/interactions/interactions.ts';
import { ACCOUNT_PAGE } from '../oauth/routes.ts';
import type { BrowserSession } from '../sessions/browser-sessions.ts';
import { isOwnAddress } from './own-addresses.ts';

/** Where a person goes on to who has signed in or up: to what a client waits for, or to a page of ours. */
export type Destination = { interaction: OAuthInteraction } | { back: string };

/**
 * The destination that an address or a form names; a page of ours is the one for accounts unless it names another.
 * @returns undefined when a client does not wait any more, in this browser
 */
export async function destinationOf(
  exchange: HttpExchange,
  named: URLSearchParams,
  interactions: Pick<Interactions, 'read'>,
): Promise<Destination | undefined> {
  const id = named.get('interaction');
  if (id === null) {
    const back = named.get('back') ?? '';
    return { back: isOwnAddress(back) ? back : ACCOUNT_PAGE };
  }
  const interaction = await interactions.read(exchange, id);
  return interaction === undefined ? undefined : { interaction };
}

/** By which fields of a form, or of an address, it is found again. */
export function namesOf(destination: Destination): Record<string, string> {
  return 'interaction' in destination ? { interaction: destination.interaction.id } : { back: destination.back };
}

/** The address of a page with which it goes on there. */
export function addressWith(page: string, destination: Destination): string {
  const names = namesOf(destination);
  return names.back === ACCOUNT_PAGE ? page : `${page}?${new URLSearchParams(names)}`;
}

export function formOwnerOf(destination: Destination) {
  if (!('interaction' in destination)) return undefined;
  const { id, accountId } = destination.interaction;
  return { interactionId: id, accountId };
}

/** Whether the person need not show again who they are: they are signed in here already, and not for longer than the client allows. */
export function isSignInEnough(
  { asksAnew, maxSignInAgeMs }: OAuthInteraction,
  session: BrowserSession,
  nowMs: number,
): boolean {
  return !asksAnew && (maxSignInAgeMs === undefined || nowMs - session.signedInAtMs <= maxSignInAgeMs);
}
