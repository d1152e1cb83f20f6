import { sendPage } from '../html/send.ts';
import type { HttpExchange } from '../http/server.ts';
import type { Interactions } from '../oauth/interactions/interactions.ts';
import { addressWith, type Destination, destinationOf, formOwnerOf } from './destination.ts';
import type { Forms } from './forms.ts';
import { goOn } from './page-handlers.ts';
import { expiredPage, foreignFormPage } from './problem-pages.ts';
import { type Visit, visitOf } from './visit.ts';

/**
 * Looks at a form of a sign-in, or of a sign-up, before what was typed: whether it is ours, where it leads to, and whether the person has cancelled.
 * @param page its path
 * @returns undefined when it has answered
 */
export async function readPosted(
  exchange: HttpExchange,
  form: URLSearchParams,
  page: string,
  parts: { interactions: Pick<Interactions, 'read' | 'abort'>; forms: Pick<Forms, 'isOurs'>; issuer: string },
): Promise<{ visit: Visit; destination: Destination } | undefined> {
  const { interactions, forms, issuer } = parts;
  const { request, response } = exchange;
  const destination = await destinationOf(exchange, form, interactions);
  const visit = visitOf(request, issuer, destination === undefined ? page : addressWith(page, destination));
  const isOver =
    destination === undefined || ('interaction' in destination && destination.interaction.prompt !== 'login');
  if (isOver) sendPage(response, 400, expiredPage(visit));
  else if (!forms.isOurs(exchange, page, form, formOwnerOf(destination)))
    sendPage(response, 403, foreignFormPage(visit));
  else if (form.has('cancel') && 'interaction' in destination)
    goOn(exchange, await interactions.abort(exchange, destination.interaction.id), issuer);
  else return { visit, destination };
  return undefined;
}
