import type { Enter, PasswordSource } from '../../accounts/credentials.ts';
import type { HttpExchange } from '../../http/server.ts';
import type { OpenedSession, Sessions } from '../../sessions/sessions.ts';
import { attempt } from '../attempt.ts';
import type { Browsers } from '../browsers.ts';
import type { Destination } from '../destination.ts';
import type { Visit } from '../visit.ts';

/** Opens a session in place of the one that the browser has, for whom the work lets in. @throws what the work throws */
export type Opening = <Result extends { deviceToken: string }>(
  exchange: HttpExchange,
  visit: Visit,
  destination: Destination,
  work: (source: PasswordSource, enter: Enter<OpenedSession>) => Promise<Result>,
) => Promise<Result>;

export function createOpening(parts: {
  browsers: Pick<Browsers, 'current'>;
  sessions: Pick<Sessions, 'open'>;
  issuer: string;
}): Opening {
  const { browsers, sessions, issuer } = parts;
  return async (exchange, visit, destination, work) => {
    const clientId = 'interaction' in destination ? destination.interaction.client.id : undefined;
    const replaced = await browsers.current(exchange.request);
    return attempt(exchange, visit, issuer, (source) => {
      const { device, context } = source;
      const opening = { kind: 'BROWSER', replaced, clientId } as const;
      return work({ ...source, ...(clientId === undefined ? {} : { clientId }) }, ({ id }, by) =>
        sessions.open(id, device, context, { ...by, ...opening }),
      );
    });
  };
}
