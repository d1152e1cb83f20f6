/**
 * Sets tracing up; load it before everything else: `node --import ./mesh/kit/telemetry.ts main.ts`.
 *
 * Environment: OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER_ARG (share of new traces that are kept, 0 to 1, default 0.01),
 * OTEL_EXPORTER_OTLP_ENDPOINT (base URL of an OTLP/HTTP collector; without it nothing is recorded, but trace ids still travel).
 * Nothing is instrumented behind the code's back: the kit makes its spans itself, by trace.ts.
 */
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';

const DEFAULT_SAMPLING_RATIO = 0.01;

const provider = await startTelemetry(process.env);

async function startTelemetry(env: NodeJS.ProcessEnv): Promise<BasicTracerProvider> {
  const processor = env.OTEL_EXPORTER_OTLP_ENDPOINT ? await createExporter() : undefined;
  const tracerProvider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': env.OTEL_SERVICE_NAME ?? 'oxo' }),
    sampler: processor ? createSampler(env.OTEL_TRACES_SAMPLER_ARG) : new AlwaysOffSampler(),
    spanProcessors: processor ? [processor] : [],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(tracerProvider);
  return tracerProvider;
}

function createSampler(ratio: string | undefined): Sampler {
  const parsed = ratio === undefined || ratio === '' ? DEFAULT_SAMPLING_RATIO : Number(ratio);
  if (!(parsed >= 0 && parsed <= 1)) throw new Error(`OTEL_TRACES_SAMPLER_ARG must be between 0 and 1, not "${ratio}"`);
  return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(parsed) });
}

/** The exporter is loaded only when it is used: it costs memory. It reads the endpoint from the environment itself. */
async function createExporter(): Promise<SpanProcessor> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  return new BatchSpanProcessor(new OTLPTraceExporter({ timeoutMillis: 5_000 }), {
    maxQueueSize: 2_048,
    maxExportBatchSize: 512,
    scheduledDelayMillis: 2_000,
    exportTimeoutMillis: 5_000,
  });
}

/** Exports what is still queued and stops. */
export async function shutdownTelemetry(): Promise<void> {
  await provider.shutdown();
}
