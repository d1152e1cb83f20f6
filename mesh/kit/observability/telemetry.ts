/**
 * Sets tracing up; load it before everything else: `node --import ./mesh/kit/observability/telemetry.ts main.ts`.
 *
 * Environment: OTEL_EXPORTER_OTLP_ENDPOINT (base URL of an OTLP/HTTP collector), OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER_ARG (share of
 * new traces that are kept, 0 to 1, default 0.01; a caller's decision is followed). Without an endpoint the SDK, which costs 10 MB a process,
 * is not even loaded: nothing is recorded, but a trace id that the front door passes on still travels through logs, RPCs and events.
 * Nothing is instrumented behind the code's back: the kit makes its spans itself, by trace.ts.
 */
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { startRecording } from '#kit/observability/trace.ts';
import { withTimeLimit } from '#kit/time-limit.ts';

const DEFAULT_SAMPLING_RATIO = 0.01;
const SHUTDOWN_LIMIT_MS = 2_000;

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
const shutdown = process.env.OTEL_EXPORTER_OTLP_ENDPOINT ? await startExport(process.env) : undefined;

async function startExport(env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const { BasicTracerProvider, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler } = await import(
    '@opentelemetry/sdk-trace-base'
  );
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': env.OTEL_SERVICE_NAME ?? 'oxo' }),
    sampler: new ParentBasedSampler({
      root: new TraceIdRatioBasedSampler(parseSamplingRatio(env.OTEL_TRACES_SAMPLER_ARG)),
    }),
    // What a span tells is short, whatever an error says.
    spanLimits: { attributeValueLengthLimit: 256, attributeCountLimit: 32, eventCountLimit: 8 },
    spanProcessors: [
      // The exporter reads the endpoint from the environment itself.
      new BatchSpanProcessor(new OTLPTraceExporter({ timeoutMillis: 5_000 }), {
        maxQueueSize: 2_048,
        maxExportBatchSize: 512,
        scheduledDelayMillis: 2_000,
        exportTimeoutMillis: 5_000,
      }),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  startRecording();
  return () => provider.shutdown();
}

function parseSamplingRatio(ratio: string | undefined): number {
  const parsed = ratio === undefined || ratio === '' ? DEFAULT_SAMPLING_RATIO : Number(ratio);
  if (!(parsed >= 0 && parsed <= 1)) throw new Error(`OTEL_TRACES_SAMPLER_ARG must be between 0 and 1, not "${ratio}"`);
  return parsed;
}

/** Exports what is still queued and stops; gives up after two seconds, because a process must end without its collector too. */
export async function shutdownTelemetry(): Promise<void> {
  if (shutdown === undefined) return;
  await withTimeLimit(shutdown(), SHUTDOWN_LIMIT_MS, 'telemetry').catch(() => undefined);
}
