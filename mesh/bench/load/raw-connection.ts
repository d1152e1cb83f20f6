import { connect, type Socket } from 'node:net';

/** Where an HTTP server listens. */
export type Target = { readonly host: string; readonly port: number };

export type RawAnswer = { readonly status: number; readonly body: Buffer };

/**
 * One kept-alive HTTP/1.1 connection over a bare socket, one request at a time: the load generator shares two cores with
 * what it measures, so it does as little as possible.
 */
export type RawConnection = {
  /** @param request the whole request, head and body. Rejects when the connection breaks or no answer comes in time. */
  readonly send: (request: string | Buffer) => Promise<RawAnswer>;
  readonly close: () => void;
};

type Waiting = { readonly resolve: (answer: RawAnswer) => void; readonly reject: (error: Error) => void };

const answerTimeoutMs = 15_000;
const maxAnswerBytes = 4 * 1024 * 1024;
const headEnd = Buffer.from('\r\n\r\n');

export async function openRawConnection(target: Target): Promise<RawConnection> {
  const socket = await open(target);
  let received: Buffer = Buffer.alloc(0);
  let waiting: Waiting | undefined;
  let broken: Error | undefined;
  const fail = (error: Error): void => {
    broken ??= error;
    waiting?.reject(error);
    waiting = undefined;
    socket.destroy();
  };
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    try {
      const parsed = parseAnswer(received);
      if (parsed === undefined) return;
      received = received.subarray(parsed.length);
      const { resolve } = waiting ?? {};
      waiting = undefined;
      if (resolve === undefined || received.length > 0) fail(new Error('an answer that nobody asked for'));
      resolve?.(parsed.answer);
    } catch (error) {
      fail(error as Error);
    }
  });
  socket.setTimeout(answerTimeoutMs, () => {
    if (waiting !== undefined) fail(new Error(`no answer within ${answerTimeoutMs} ms`));
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the connection was closed')));
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        if (broken !== undefined) return reject(broken);
        waiting = { resolve, reject };
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

function open({ host, port }: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/**
 * The first answer in the bytes, or undefined while it is not whole.
 * @throws Error on what is no answer, or is too large
 */
export function parseAnswer(bytes: Buffer): { readonly answer: RawAnswer; readonly length: number } | undefined {
  if (bytes.length > maxAnswerBytes) throw new Error(`an answer of more than ${maxAnswerBytes} bytes`);
  const end = bytes.indexOf(headEnd);
  if (end === -1) return undefined;
  const head = bytes.toString('latin1', 0, end).toLowerCase();
  const status = Number(/^http\/1\.1 (\d{3})/.exec(head)?.[1]);
  if (!(status >= 200)) throw new Error(`no answer that we understand: ${head.slice(0, 100)}`);
  const start = end + headEnd.length;
  const length = Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? Number.NaN);
  if (length >= 0) {
    if (bytes.length < start + length) return undefined;
    return { answer: { status, body: bytes.subarray(start, start + length) }, length: start + length };
  }
  if (/\r\ntransfer-encoding: *chunked/.test(head)) return parseChunks(bytes, start, status);
  return { answer: { status, body: Buffer.alloc(0) }, length: start };
}

function parseChunks(bytes: Buffer, start: number, status: number): ReturnType<typeof parseAnswer> {
  const chunks: Buffer[] = [];
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (!(size >= 0)) throw new Error('a chunk without a size');
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return { answer: { status, body: Buffer.concat(chunks) }, length: next };
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = next;
  }
}

/** A whole request as bytes on the wire. @param body JSON */
export function rawRequest(target: Target, method: string, path: string, token: string, body?: unknown): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  const lines = [
    `${method} /api/v1${path} HTTP/1.1`,
    `host: ${target.host}:${target.port}`,
    `authorization: Bearer ${token}`,
    ...(body === undefined ? [] : ['content-type: application/json', `content-length: ${Buffer.byteLength(text)}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${text}`;
}
