import type { ServerResponse } from 'node:http';
import { SECOND_MS } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import type { Attempts } from '../../attempts/attempts.ts';
import type { Exchange } from '../../http/server.ts';
import { isFromOurPages } from '../../pages/form-tokens.ts';
import { type Page, sendPage } from '../../pages/layout.ts';
import { foreignFormPage, waitPage } from '../../pages/problem-pages.ts';
import { networkOf } from '../../sessions/device.ts';
import { DEVICE_PAGE, OAUTH_ROUTES } from '../routes.ts';
import { takeCodeOf } from './page-sources.ts';

const FORMS = new Set([DEVICE_PAGE, `${OAUTH_ROUTES.end_session}/confirm`]);

/**
 * What is looked at before the provider answers the forms of its pages, which it binds to the browser's session itself: whether they come
 * from our pages, and how many codes of devices a network tries.
 * @returns false when it has answered
 */
export function guardForms(options: {
  issuer: string;
  attempts: Pick<Attempts, 'deviceCode'>;
}): (exchange: Exchange) => Promise<boolean> {
  const { issuer, attempts } = options;

  return async ({ request, response, path, query, device }) => {
    if (!FORMS.has(path)) return true;
    if (request.method === 'GET') {
      takeCodeOf(request, query);
      return true;
    }
    if (!isFromOurPages(request, issuer)) {
      refuse(response, 403, foreignFormPage);
      return false;
    }
    try {
      if (path === DEVICE_PAGE) await attempts.deviceCode(networkOf(device.ip));
      return true;
    } catch (error) {
      if (!(error instanceof OxoError) || error.reason !== 'RATE_LIMITED') throw error;
      const { retryAfterMs = SECOND_MS } = error;
      response.setHeader('retry-after', String(Math.ceil(retryAfterMs / SECOND_MS)));
      refuse(response, 429, waitPage('Too many codes were tried from your network.', retryAfterMs));
      return false;
    }
  };
}

/** Nobody has read the body: it is thrown away with the connection. */
function refuse(response: ServerResponse, status: number, page: Page): void {
  response.setHeader('connection', 'close');
  sendPage(response, status, page);
}
