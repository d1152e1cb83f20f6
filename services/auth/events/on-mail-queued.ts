import { type EventHandler, on } from '#kit/events/consumers/handlers.ts';
import { mailQueued } from '../events.ts';
import type { Sending } from '../mail/sending.ts';

/** Sends a mail. What it says of itself, such as whether it was sent, stands in its row. */
export function onMailQueued({ sending }: { sending: Pick<Sending, 'send'> }): EventHandler {
  return on(mailQueued, ({ mailId }, { id, requestId = id }) => sending.send(mailId, { requestId }));
}
