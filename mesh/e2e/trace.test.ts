import { after, before, describe } from 'node:test';
import { testAll } from './testing/cases.ts';
import { type SpanSink, startSpanSink } from './testing/spans.ts';
import { startWorld, type World } from './testing/world.ts';
import { complete } from './trace/complete.ts';
import { traces } from './trace/traces.ts';

describe('what can be seen of a request', () => {
  let world: World;
  let sink: SpanSink;
  before(async () => {
    sink = await startSpanSink();
    const telemetry = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint, OTEL_TRACES_SAMPLER_ARG: '1' };
    world = await startWorld({
      tracing: { otlpEndpoint: sink.endpoint, samplingPercent: 100 },
      // So that a test says which trace is its own.
      trustTraceparent: true,
      serviceEnv: () => ({ ...telemetry, LOG_LEVEL: 'debug' }),
    });
  });
  after(async () => {
    await world.stop();
    await sink.stop();
  });

  testAll(
    'traces and request ids',
    traces(() => sink),
    () => world,
  );
  testAll(
    'all spans',
    complete(() => sink),
    () => world,
  );
});
