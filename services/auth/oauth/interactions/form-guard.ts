import type { ServerResponse } from 'node:http';
import type { Page } from '../../html/document.ts';
import { sendPage } from '../../html/send.ts';
import { isFromOurPages } from '../../http/own-pages.ts';
import type { HttpExchange } from '../../http/server.ts';
import { DEVICE_PAGE, OAUTH_ROUTES } from '../routes.ts';
import { takeCodeOf } from './page-sources.ts';
import type { OAuthPages } from './pages.ts';

const FORMS = new Set([DEVICE_PAGE, `${OAUTH_ROUTES.end_session}/confirm`]);

/**
 * What is looked at before the provider answers the forms of its pages, which it binds to the browser's session itself: whether they come
 * from our pages.
 * @returns false when it has answered
 */
export function guardForms(options: {
  issuer: string;
  pages: Pick<OAuthPages, 'foreignForm'>;
}): (exchange: HttpExchange) => boolean {
  const { issuer, pages } = options;
  return ({ request, response, path, query }) => {
    if (!FORMS.has(path)) return true;
    if (request.method === 'GET') {
      takeCodeOf(request, query);
      return true;
    }
    if (isFromOurPages(request, issuer)) return true;
    refuse(response, 403, pages.foreignForm(request));
    return false;
  };
}

/** Answers with a page. Nobody has read the body: it is thrown away with the connection. */
export function refuse(response: ServerResponse, status: number, page: Page): void {
  response.setHeader('connection', 'close');
  sendPage(response, status, page);
}
