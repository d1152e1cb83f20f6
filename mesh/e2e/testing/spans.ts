import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import protobuf from 'protobufjs';

/** One span, as it was exported. */
export type Span = {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly service: string;
};

/** Takes the spans of a stack in, as a collector does. */
export type SpanSink = {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  /** The spans of one trace that have come so far. */
  readonly trace: (traceId: string) => Span[];
  readonly stop: () => Promise<void>;
};

/** What we read of opentelemetry.proto.collector.trace.v1; Envoy sends it as Protobuf, our services as JSON. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message KeyValue { string key = 1; Value value = 2; }
  message Value { string string_value = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span { bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; }
`);
const requestType = root.lookupType('Request');

type Id = string | Uint8Array | undefined;
type ExportRequest = {
  readonly resourceSpans?: readonly {
    readonly resource?: {
      readonly attributes?: readonly { readonly key: string; readonly value?: { readonly stringValue?: string } }[];
    };
    readonly scopeSpans?: readonly {
      readonly spans?: readonly {
        readonly traceId: Id;
        readonly spanId: Id;
        readonly parentSpanId?: Id;
        readonly name: string;
      }[];
    }[];
  }[];
};

export async function startSpanSink(): Promise<SpanSink> {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    readBody(request).then(
      (body) => {
        const isJson = request.headers['content-type']?.startsWith('application/json') ?? false;
        const received: unknown = isJson ? JSON.parse(body.toString()) : requestType.decode(body);
        spans.push(...spansOf(received as ExportRequest));
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

function spansOf({ resourceSpans = [] }: ExportRequest): Span[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) => {
    const service = resource?.attributes?.find(({ key }) => key === 'service.name')?.value?.stringValue ?? '';
    return scopeSpans.flatMap(({ spans = [] }) =>
      spans.map(({ traceId, spanId, parentSpanId, name }) => {
        return { traceId: hex(traceId), spanId: hex(spanId), parentSpanId: hex(parentSpanId), name, service };
      }),
    );
  });
}

function hex(id: Id): string {
  return typeof id === 'string' ? id : Buffer.from(id ?? []).toString('hex');
}
