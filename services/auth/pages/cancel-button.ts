import { html, type Part } from '../html/html.ts';
import type { Destination } from './destination.ts';
import type { Visit } from './visit.ts';

/** Goes back to the client that waits, with nothing: nowhere else is there anything to cancel. What it sends `readPosted` reads. */
export function cancelButton({ texts }: Visit, destination: Destination): Part {
  if (!('interaction' in destination)) return undefined;
  return html`
<button type="submit" class="second" name="cancel" value="yes" formnovalidate>${texts.signIn.cancel}</button>`;
}
