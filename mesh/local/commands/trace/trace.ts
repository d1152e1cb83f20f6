import { z } from 'zod';
import { CliError, messageOf } from '../../cli/cli-error.ts';
import { type Command, parseFlags } from '../../cli/command.ts';
import type { Span } from '../../observability/traces/span.ts';
import type { TraceSummary } from '../../observability/traces/tree.ts';
import { readSettings } from '../../settings.ts';
import { planStack } from '../../stack/plan.ts';
import { isAlive } from '../../supervisor/proc.ts';
import { orphansOf, readState, type StackState, withRunningSettings } from '../../supervisor/state.ts';
import { renderList, renderTrace } from './render.ts';

const timeoutMs = 5_000;
const idPattern = /^[\w.-]{1,100}$/;
/** A service sends its spans every two seconds, Envoy every second. */
const lateMs = 5_000;

export const command: Command = {
  usage: `usage: ./oxo trace [ID] [--json]

Shows what one request did, as a tree: every span from the front door to the last consumer, when it began (since the start) and how
long it took, what failed (✗), and where time went by in which nothing was recorded (┄). Without ID: the latest that were traced.

  ID      a trace id (32 hexadecimal digits), or a request id: what an answer has in x-request-id, and an error in requestId
  --json  the spans for programs

Traces are kept while a stack is observed (./oxo up --observability): the latest 24 MiB of them, a day at most. Each request is traced,
or fewer (OTEL_TRACES_SAMPLER_ARG=0.01 ./oxo up --observability: one of a hundred), and then, while callers are trusted to say so
(OXO_TRUST_TRACEPARENT=on), each that is sent with a sampled traceparent:
  curl -H "traceparent: 00-$(openssl rand -hex 16)-$(openssl rand -hex 8)-01" …`,
  run,
};

/** What the process that keeps traces answers. */
const traceSchema = z.object({
  summary: z.custom<TraceSummary>(),
  spans: z.custom<Span[]>(Array.isArray),
  others: z.array(z.string()).default([]),
});
const listSchema = z.object({ traces: z.custom<TraceSummary[]>(Array.isArray) });

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv, { json: { type: 'boolean', default: false } }, 1);
  const [id] = positionals;
  if (id !== undefined && !idPattern.test(id)) {
    throw new CliError('an id has letters, digits, dots, hyphens and underscores, 100 at most', { exitCode: 2 });
  }
  const telemetry = requireTelemetry();
  if (id === undefined) {
    const { traces } = listSchema.parse((await ask(`${telemetry}/api/traces`)).body);
    console.log(values.json ? JSON.stringify(traces, null, 2) : renderList(traces));
    return 0;
  }
  const trace = await findSoon(`${telemetry}/api/traces/${id}`);
  if (trace === undefined) throw notFound(id);
  console.log(values.json ? JSON.stringify(trace, null, 2) : renderTrace(trace.summary, trace.spans, telemetry));
  if (!values.json && trace.others.length > 0)
    console.log(
      `the latest with this request id, which whoever calls may repeat; before it: ${trace.others.join(', ')}`,
    );
  return 0;
}

/** Who asks at once has what comes a moment later too. */
async function findSoon(url: string): Promise<z.infer<typeof traceSchema> | undefined> {
  const deadlineMs = performance.now() + lateMs;
  for (;;) {
    const { status, body } = await ask(url);
    if (status === 200) return traceSchema.parse(body);
    if (performance.now() > deadlineMs) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** @throws CliError when nothing keeps traces, with what to do */
function requireTelemetry(): string {
  const settings = readSettings(process.env);
  const state = readState(settings.stateDir);
  const left = state === undefined ? [] : orphansOf(state);
  if (state === undefined || (!isAlive(state.supervisor) && left.length === 0)) {
    throw new CliError('nothing is running', { advice: ['./oxo up --observability'] });
  }
  const { telemetry } = planStack(withRunningSettings(settings)).urls;
  if (telemetry === undefined) {
    throw new CliError('no traces are kept: this stack is not observed', {
      advice: ['./oxo up --observability turns it on, also while the stack runs; then send the request again'],
    });
  }
  requireOurCollector(state);
  // What keeps traces goes on without a supervisor.
  if (!isAlive(state.supervisor) && !left.some(({ name }) => name === 'telemetry')) {
    throw new CliError('the supervisor died, and what keeps traces is gone', { advice: ['./oxo up'] });
  }
  return telemetry;
}

function requireOurCollector({ variables }: StackState): void {
  const other = variables?.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (other === undefined) return;
  throw new CliError('the traces of this stack go to a collector of yours (OTEL_EXPORTER_OTLP_ENDPOINT)', {
    advice: ['Look there; ./oxo down, then ./oxo up --observability without that variable, keeps them here'],
  });
}

async function ask(url: string): Promise<{ status: number; body: unknown }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    return { status: response.status, body: await response.json() };
  } catch (error) {
    throw new CliError(`what keeps traces gives no answer: ${messageOf(error)}`, {
      advice: ['./oxo status, ./oxo logs telemetry'],
      cause: error,
    });
  }
}

function notFound(id: string): CliError {
  return new CliError(`there is no trace of ${id}`, {
    advice: [
      'It is too old (a day at most is kept, less when there is much; ./oxo trace lists what there is), it came before the stack',
      'was observed, or not every request is traced here: OTEL_TRACES_SAMPLER_ARG=1 ./oxo up --observability traces each.',
      `Its log lines are there all the same: ./oxo logs -n 10000 | grep ${id}`,
    ],
  });
}
