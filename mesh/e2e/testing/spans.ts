import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeExport } from '../../local/observability/traces/otlp.ts';
import type { Span } from '../../local/observability/traces/span.ts';

export type { Span };

/** Takes the spans of a stack in, as a collector does. */
export type SpanSink = {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  /** The spans of one trace that have come so far. */
  readonly trace: (traceId: string) => Span[];
  readonly all: () => readonly Span[];
  /** All that has come, with every attribute and event, as it stood on the wire. */
  readonly text: () => string;
  readonly stop: () => Promise<void>;
};

export async function startSpanSink(): Promise<SpanSink> {
  const spans: Span[] = [];
  const texts: string[] = [];
  const server = createServer((request, response) => {
    readBody(request).then(
      (body) => {
        const isJson = request.headers['content-type']?.startsWith('application/json') ?? false;
        texts.push(body.toString());
        spans.push(...decodeExport(body, isJson));
        response.setHeader('content-type', request.headers['content-type'] ?? '').end(isJson ? '{}' : '');
      },
      () => response.writeHead(400).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    all: () => spans,
    text: () => texts.join('\n'),
    trace: (traceId) => spans.filter((span) => span.traceId === traceId),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
