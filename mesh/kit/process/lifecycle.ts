/**
 * The life of a process: read the configuration, start, serve, drain, stop.
 *
 * SIGTERM and SIGINT: /readyz answers 503, then what was registered is closed in reverse order, then the process exits with 0.
 * A second signal, or ten seconds, ends it with 1. An exception that nobody caught is logged and closes everything the same way, with 1.
 */
import { createLogger, type Logger } from '#kit/observability/logger.ts';
import { createMetrics, type Metrics } from '#kit/observability/metrics.ts';
import { type OpsServer, startOpsServer } from '#kit/observability/ops-server.ts';
import { measureProcess } from '#kit/observability/process-metrics.ts';
import { shutdownTelemetry } from '#kit/observability/telemetry.ts';
import { withTimeLimit } from '#kit/time-limit.ts';

/** What every service's configuration has. */
export interface ServiceConfig {
  logLevel: string;
  opsHost: string;
  opsPort: number;
}

/** What `start` is given. */
export interface ServiceContext<C> {
  config: C;
  logger: Logger;
  metrics: Metrics;
  ops: OpsServer;
  /** Registers how to close what was just started. Closed last in, first out; each within `timeoutMs` (default 5,000). */
  onStop(name: string, close: () => Promise<unknown> | unknown, timeoutMs?: number): void;
  /** Aborted when the process begins to stop. For loops that wait. */
  stopping: AbortSignal;
}

export interface ServiceDefinition<C extends ServiceConfig> {
  name: string;
  /** Throws an error whose message names every problem. */
  readConfig(env: NodeJS.ProcessEnv): C;
  /** Starts the service; it is ready when the promise resolves. */
  start(context: ServiceContext<C>): Promise<void>;
}

interface Closer {
  name: string;
  close: () => Promise<unknown> | unknown;
  timeoutMs: number;
}

const STOP_LIMIT_MS = 10_000;
const CLOSE_LIMIT_MS = 5_000;

/** Runs a service until a signal ends the process. Never rejects: a start that fails is logged and exits with 1. */
export async function runService<C extends ServiceConfig>(definition: ServiceDefinition<C>): Promise<void> {
  const config = readConfigOrExit(definition);
  const metrics = createMetrics({ processMetrics: true });
  const onLine = measureProcess(metrics);
  const logger = createLogger({ service: definition.name, level: config.logLevel, onLine });
  const abort = new AbortController();
  const closers: Closer[] = [];
  let ops: OpsServer | undefined;
  let stopping = false;

  const stop = async (reason: string, exitCode: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    const limit = setTimeout(() => exitNow(logger, `not stopped within ${STOP_LIMIT_MS} ms`), STOP_LIMIT_MS);
    limit.unref();
    logger.info({ reason }, 'stopping');
    ops?.setState('draining');
    abort.abort();
    const clean = await closeAll(closers, logger);
    await ops?.close();
    await shutdownTelemetry();
    logger.info({ clean }, 'stopped');
    process.exit(exitCode);
  };
  watchProcess(logger, () => stopping, stop);

  try {
    ops = await startOpsServer({ host: config.opsHost, port: config.opsPort, metrics, logger });
    await definition.start({
      config,
      logger,
      metrics,
      ops,
      stopping: abort.signal,
      onStop: (name, close, timeoutMs = CLOSE_LIMIT_MS) => closers.push({ name, close, timeoutMs }),
    });
    if (stopping) return;
    ops.setState('ready');
    logger.info({ ops: ops.url }, 'ready');
  } catch (error) {
    // A start that a signal interrupted may fail in any way; that is not worth an error.
    if (stopping) return;
    logger.fatal({ err: error }, 'start failed');
    await stop('start failed', 1);
  }
}

function readConfigOrExit<C extends ServiceConfig>(definition: ServiceDefinition<C>): C {
  try {
    return definition.readConfig(process.env);
  } catch (error) {
    const logger = createLogger({ service: definition.name });
    logger.fatal(
      { problems: (error instanceof Error ? error.message : String(error)).split('\n') },
      'bad configuration',
    );
    return process.exit(1);
  }
}

function watchProcess(
  logger: Logger,
  isStopping: () => boolean,
  stop: (reason: string, code: number) => Promise<void>,
): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping()) exitNow(logger, `second signal: ${signal}`);
      void stop(signal, 0);
    });
  }
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, event);
      if (!isStopping()) void stop(event, 1);
    });
  }
}

async function closeAll(closers: readonly Closer[], logger: Logger): Promise<boolean> {
  let clean = true;
  for (const { name, close, timeoutMs } of closers.toReversed()) {
    try {
      await withTimeLimit(Promise.resolve(close()), timeoutMs, `not closed within ${timeoutMs} ms`);
    } catch (error) {
      clean = false;
      logger.error({ err: error, part: name }, 'could not close');
    }
  }
  return clean;
}

function exitNow(logger: Logger, reason: string): never {
  logger.error({ reason }, 'exit without a clean stop');
  process.exit(1);
}
