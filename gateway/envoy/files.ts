/** Files that Envoy itself answers with: the description of the API, and the reference that is made of it. */

import { noTranscoding } from './http-routes.ts';
import { largeFileLimit } from './limits/local.ts';
import { productionLimits } from './limits/rates.ts';
import { addWhenAbsent, overwrite } from './parts.ts';
import type { EnvoySettings, StaticFile } from './settings.ts';

/** A route that Envoy answers itself. */
export interface DirectRoute {
  match: { headers: readonly object[]; [part: string]: unknown };
  direct_response: object;
  typed_per_filter_config: object;
  response_headers_to_add?: readonly object[];
}

/**
 * Envoy's filter for CORS leaves direct answers alone; they hold nothing that a page may not know. The header names whichever page asked:
 * only routes of which `ofReaders` has matched the origin carry it.
 */
const readableByPages = addWhenAbsent('access-control-allow-origin', '%REQ(ORIGIN)%');

/**
 * The route twice: first for pages that may read the answer, then for everybody else.
 * @param varies what else a cache must look at
 */
export function directAnswer(route: DirectRoute, { corsOrigins }: EnvoySettings, varies: string[] = []): object[] {
  const own = [...(route.response_headers_to_add ?? []), overwrite('vary', [...varies, 'origin'].join(', '))];
  const others = { ...route, response_headers_to_add: own };
  if (corsOrigins.length === 0) return [others];
  const allowed = corsOrigins
    .map((origin) => (origin === '*' ? '.*' : origin.replaceAll(/[^\w:/-]/g, '\\$&')))
    .join('|');
  const ofReaders = { name: 'origin', string_match: { safe_regex: { regex: allowed } } };
  return [
    {
      ...route,
      match: { ...route.match, headers: [...route.match.headers, ofReaders] },
      response_headers_to_add: [...own, readableByPages],
    },
    others,
  ];
}

/** Larger files have a limit of their own: they are for browsers, which keep them. */
const LARGE_BYTES = 64 * 1024;
const isRead = { name: ':method', string_match: { safe_regex: { regex: 'GET|HEAD' } } };
/** `*` is any encoding; what has q=0 is none. */
const takesGzip = {
  name: 'accept-encoding',
  string_match: {
    safe_regex: { regex: '(.*,)?\\s*(gzip|\\*)\\s*(;\\s*q\\s*=\\s*(0?\\.0*[1-9]\\d*|1[.0]*)\\s*)?(,.*)?' },
  },
};

/** GET and HEAD of the files; all else of these paths is not found. */
export function fileRoutes(settings: EnvoySettings): object[] {
  return (settings.files ?? []).flatMap((file) =>
    routesOf(file, settings).flatMap((route) =>
      file.readableByPages
        ? directAnswer(route, settings, ['accept-encoding'])
        : [{ ...route, response_headers_to_add: [...(route.response_headers_to_add ?? []), varyByEncoding] }],
    ),
  );
}

/** Where the API reference is: people who open the address alone are led there, while programs hear that there is nothing. */
const REFERENCE = '/docs';

/** `/` for people. The place is relative, since the name by which it was asked for is anybody's to choose. */
export function homeRoutes({ files = [] }: EnvoySettings): DirectRoute[] {
  if (!files.some(({ path }) => path === REFERENCE)) return [];
  const acceptsHtml = { name: 'accept', string_match: { contains: 'text/html' } };
  return [
    {
      match: { path: '/', headers: [isRead, acceptsHtml] },
      direct_response: { status: 302 },
      typed_per_filter_config: noTranscoding,
      response_headers_to_add: [overwrite('location', REFERENCE), overwrite('vary', 'accept')],
    },
  ];
}

const varyByEncoding = overwrite('vary', 'accept-encoding');

function routesOf(file: StaticFile, { limits = productionLimits }: EnvoySettings): DirectRoute[] {
  // Looked at first, and cheap: other requests pass by.
  const path = { name: ':path', string_match: { prefix: file.path } };
  const route = (status: number, body: object, headers: object[], conditions: object[]): DirectRoute => ({
    match: { path: file.path, headers: [path, isRead, ...conditions] },
    direct_response: { status, ...body },
    typed_per_filter_config: {
      ...noTranscoding,
      ...(file.bytes > LARGE_BYTES && status === 200 ? { network_limit: largeFileLimit(limits) } : {}),
    },
    response_headers_to_add: [
      overwrite('cache-control', file.cacheControl),
      overwrite('etag', file.etag),
      ...(file.contentSecurityPolicy === undefined
        ? []
        : [overwrite('content-security-policy', file.contentSecurityPolicy)]),
      ...headers,
    ],
  });
  const type = overwrite('content-type', file.contentType);
  const isKnown = { name: 'if-none-match', string_match: { contains: file.etag } };
  return [
    route(304, {}, [], [isKnown]),
    ...(file.gzipFile === undefined
      ? []
      : [
          route(200, { body: { filename: file.gzipFile } }, [type, overwrite('content-encoding', 'gzip')], [takesGzip]),
        ]),
    route(200, { body: { filename: file.file } }, [type], []),
  ];
}
