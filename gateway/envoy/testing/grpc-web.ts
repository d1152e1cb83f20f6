import { type Answer, type Call, call } from './http.ts';

const TRAILERS = 0x80;

export interface GrpcWebAnswer {
  http: Answer;
  /** Messages as bytes. */
  messages: Buffer[];
  /** Of the frame at the end, or of the headers, when there is no body. */
  trailers: ReadonlyMap<string, string>;
}

/** One call as a browser makes it. @param text as base64, which browsers without streams use */
export async function callGrpcWeb(
  address: { host: string; port: number },
  path: string,
  message: Uint8Array,
  { text = false, headers = {} }: { text?: boolean; headers?: Call['headers'] } = {},
): Promise<GrpcWebAnswer> {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  const type = text ? 'application/grpc-web-text' : 'application/grpc-web+proto';
  const body = text ? Buffer.from(frame.toString('base64')) : frame;
  const sent = { 'content-type': type, accept: type, 'x-grpc-web': '1', ...headers };
  const http = await call(address, { method: 'POST', path, headers: sent, body });
  const bytes = text ? decodeParts(http.bytes.toString('latin1')) : http.bytes;
  return { http, ...readFrames(bytes, http) };
}

/** Base64 that was encoded piece by piece: each piece may have its own padding. */
function decodeParts(text: string): Buffer {
  return Buffer.concat((text.match(/[^=]+=*/g) ?? []).map((part) => Buffer.from(part, 'base64')));
}

function readFrames(bytes: Buffer, { headers }: Answer): Pick<GrpcWebAnswer, 'messages' | 'trailers'> {
  const messages: Buffer[] = [];
  const trailers = new Map<string, string>();
  for (const name of ['grpc-status', 'grpc-message', 'grpc-status-details-bin']) {
    if (headers[name] !== undefined) trailers.set(name, String(headers[name]));
  }
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    const content = bytes.subarray(at + 5, end);
    if (bytes[at] === TRAILERS) {
      for (const line of content.toString('latin1').split('\r\n')) {
        const colon = line.indexOf(':');
        if (colon > 0) trailers.set(line.slice(0, colon), line.slice(colon + 1).trim());
      }
    } else messages.push(content);
    at = end;
  }
  const message = trailers.get('grpc-message');
  if (message !== undefined) trailers.set('grpc-message', decodeURIComponent(message));
  return { messages, trailers };
}
