/** What is answered over HTTP. */
export type Answer = {
  readonly status?: number;
  readonly type: string;
  readonly policy?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
};

/** What our pages may do: show our own style, and ask us. No script, nothing from elsewhere. */
const pagePolicy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export function text(status: number, type: string, body: string, headers: Answer['headers'] = {}): Answer {
  return { status, type, body, headers };
}

export function plain(status: number, body: string, headers: Answer['headers'] = {}): Answer {
  return text(status, 'text/plain; charset=utf-8', body, headers);
}

export function html(body: string): Answer {
  return { type: 'text/html; charset=utf-8', policy: pagePolicy, body };
}

export function asJson(value: unknown, status = 200): Answer {
  return text(status, 'application/json', JSON.stringify(value));
}

export function badRequest(message: string): Answer {
  return plain(400, `${message}\n`);
}

export const notFound: Answer = plain(404, 'there is no such page\n');
