import { after, before, describe } from 'node:test';
import { leaks } from './privacy/leaks.ts';
import { logLines } from './privacy/log-lines.ts';
import { createMarks } from './privacy/marks.ts';
import { createTeller, type Teller } from './privacy/teller.ts';
import { testAll } from './testing/cases.ts';
import { type SpanSink, startSpanSink } from './testing/spans.ts';
import { startWorld, type World } from './testing/world.ts';

describe('what operators see of people', () => {
  let world: World;
  let sink: SpanSink;
  let teller: Teller;
  before(async () => {
    sink = await startSpanSink();
    const telemetry = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint, OTEL_TRACES_SAMPLER_ARG: '1' };
    world = await startWorld({
      tracing: { otlpEndpoint: sink.endpoint, samplingPercent: 100 },
      serviceEnv: () => ({ ...telemetry, LOG_LEVEL: 'debug' }),
      trustTraceparent: true,
      // Every request says from which address it comes.
      trustedHops: 1,
    });
    teller = createTeller(world, createMarks());
  });
  after(async () => {
    await world.stop();
    await sink.stop();
  });

  const watch = () => ({ teller, sink });
  testAll('what nobody else may know', leaks, watch);
  testAll('lines of logs', logLines, watch);
});
