/**
 * What Envoy answers itself where auth would have answered by HTTP: a page to people, an error of OAuth to its clients. Both are made of what the
 * answers of the API say (`refusals.ts`).
 */
import { createHash } from 'node:crypto';
import { oauthPages, oauthPrefix, pages } from './http-routes.ts';
import { overwrite } from './parts.ts';
import { type LocalReply, localReplies, otherClientError, otherServerError, writesLimited } from './refusals.ts';
import { both, details, header, status } from './reply-filters.ts';

type Kind = 'AWAY' | 'TOO_MUCH' | 'FAILED' | 'WRONG';

/** What went wrong, and the first answer that fits it; the rest are for what has none of its own. */
const TOLD: readonly { filter: object; reply: LocalReply; kind: Kind }[] = [
  { filter: details('request_rate_limited'), reply: writesLimited, kind: 'TOO_MUCH' },
  told(429, 'TOO_MUCH'),
  told(503, 'AWAY'),
  told(504, 'AWAY'),
  told(502, 'AWAY'),
  told(501, 'WRONG'),
  { filter: status('GE', 500), reply: otherServerError, kind: 'FAILED' },
  told(413, 'WRONG'),
  told(408, 'WRONG'),
  { filter: status('EQ', 403), reply: { ...otherClientError, sendAs: 400 }, kind: 'WRONG' },
  { filter: status('GE', 400), reply: otherClientError, kind: 'WRONG' },
];

/** As auth itself says it there. */
const OAUTH_ERRORS: Readonly<Record<Kind, string>> = {
  AWAY: 'temporarily_unavailable',
  TOO_MUCH: 'slow_down',
  FAILED: 'server_error',
  WRONG: 'invalid_request',
};

/** Title and text. Nobody knows whose language it is: both stand there. */
const TEXTS: Readonly<Record<Kind, Readonly<Record<'en' | 'vi', readonly [string, string]>>>> = {
  AWAY: {
    en: ['Wait a moment', 'OXO is away. Try again in a moment.'],
    vi: ['Vui lòng đợi một chút', 'OXO tạm thời không hoạt động. Hãy thử lại sau giây lát.'],
  },
  TOO_MUCH: {
    en: ['Wait a moment', 'Too much was asked from your network. Try again in a moment.'],
    vi: ['Vui lòng đợi một chút', 'Đã có quá nhiều yêu cầu từ mạng của bạn. Hãy thử lại sau giây lát.'],
  },
  FAILED: {
    en: ['Something went wrong', 'That is our fault. Try again in a moment.'],
    vi: ['Đã xảy ra lỗi', 'Đây là lỗi của chúng tôi. Hãy thử lại sau giây lát.'],
  },
  WRONG: {
    en: ['That did not work', 'What was sent is too large, or cannot be read. Go back, and try again.'],
    vi: ['Không thực hiện được', 'Nội dung gửi đi quá lớn hoặc không đọc được. Hãy quay lại và thử lại.'],
  },
};

const STYLE =
  ':root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}body{margin:0 auto;padding:1rem;max-width:30rem}h1,h2{font-size:1.4rem;line-height:1.3}section{border-top:1px solid;margin-top:2rem}';
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');
const PAGE_POLICY = `default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-${STYLE_HASH}'`;
const PAGE_HEADERS = [overwrite('content-security-policy', PAGE_POLICY), overwrite('x-frame-options', 'DENY')];

const acceptsHtml = header('accept', { contains: 'text/html' });
const isPage = header(':path', { safe_regex: { regex: under([...pages, ...oauthPages]) } });
const isOauth = header(':path', { prefix: oauthPrefix });

/** Holds for requests of a page or of OAuth; or for all others. */
export function toOwnPaths(isTrue: boolean): object {
  return header(':path', { safe_regex: { regex: `${oauthPrefix}.*|${under(pages)}` } }, !isTrue);
}

/** Mappers of Envoy's local_reply_config. A page goes to whoever takes one. @param headersToAdd to each answer */
export function ownPathMappers(headersToAdd: object[]): object[] {
  return TOLD.flatMap(({ filter, reply, kind }) => [
    // What went wrong is asked first: it costs less, and most often it is something else.
    mapper(both(filter, both(isPage, acceptsHtml)), reply, [...headersToAdd, ...PAGE_HEADERS], {
      content_type: 'text/html; charset=utf-8',
      text_format_source: { inline_string: pageOf(kind) },
    }),
    mapper(both(filter, isOauth), reply, headersToAdd, {
      content_type: 'application/json',
      json_format: { error: OAUTH_ERRORS[kind], error_description: reply.message },
    }),
  ]);
}

/** All of such a path that is one of these, or stands under one. */
function under(paths: readonly string[]): string {
  return `(${paths.join('|')})([/?].*)?`;
}

function told(httpStatus: number, kind: Kind): { filter: object; reply: LocalReply; kind: Kind } {
  const reply = localReplies.find((one) => one.httpStatus === httpStatus);
  if (reply === undefined) throw new Error(`There is no local reply for ${httpStatus}.`);
  return { filter: status('EQ', httpStatus), reply, kind };
}

function mapper(filter: object, { sendAs, retryAfterSeconds }: LocalReply, headersToAdd: object[], body: object) {
  const retryAfter = retryAfterSeconds === undefined ? [] : [overwrite('retry-after', String(retryAfterSeconds))];
  return {
    filter,
    ...(sendAs === undefined ? {} : { status_code: sendAs }),
    headers_to_add: [...headersToAdd, ...retryAfter],
    body_format_override: body,
  };
}

/** The same for everybody: nothing of the request stands in it. */
function pageOf(kind: Kind): string {
  const { en, vi } = TEXTS[kind];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${en[0]} · OXO</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${en[0]}</h1>
<p role="alert">${en[1]}</p>
<p><a href="">Try again</a></p>
<section lang="vi">
<h2>${vi[0]}</h2>
<p>${vi[1]}</p>
<p><a href="">Thử lại</a></p>
</section>
</main>
</body>
</html>
`;
}
