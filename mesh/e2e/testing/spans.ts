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
  readonly stop: () => Promise<void>;
};

export async function startSpanSink(): Promise<SpanSink> {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    readBody(request).then(
      (body) => {
        const isJson = request.headers['content-type']?.startsWith('application/json') ?? false;
        spans.push(...decodeExport(body, isJson));
        response.setHeader('content-type', request.headers['content-type'] ?? '').end(isJson ? '{}' : '');
      },
      () => response.writeHead(400).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
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
