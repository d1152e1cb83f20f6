/**
 * JSON logs on stdout, one object a line: time (ISO 8601, UTC), level, service, msg, trace_id and span_id of the active span, and the
 * requestId of the request or event that is worked on.
 * Lines are written synchronously, so the last one before an exit is not lost.
 */
import { trace } from '@opentelemetry/api';
import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import { redactForLog, safeMessage, safeStack, scrubText } from '#kit/observability/redact.ts';
import { activeRequestId } from '#kit/observability/trace.ts';

export type Logger = import('pino').Logger;

export interface LoggerOptions {
  /** Stands in every line. */
  service: string;
  /** fatal, error, warn, info, debug, trace or silent; info when absent. */
  level?: string;
  /** Where lines go instead of stdout; for tests. */
  destination?: DestinationStream;
  /** Is told the level of each line that is written. */
  onLine?: (level: LogLevel) => void;
}

export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/**
 * A logger of one process. Values under keys such as password, token, authorization, secret and email are redacted, addresses and tokens
 * in other texts; of errors only type, message, code, stack and cause are written, as safe as these.
 */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      level: options.level ?? 'info',
      base: { service: options.service },
      timestamp: stdTimeFunctions.isoTime,
      mixin: (_, level) => {
        const name = LOG_LEVELS[level / 10 - 1];
        if (name !== undefined) options.onLine?.(name);
        return whatIsWorkedOn();
      },
      formatters: { level: (label) => ({ level: label }), log: redactForLog },
      serializers: { err: serializeError, error: serializeError },
    },
    options.destination ?? standardOutput(),
  );
}

/** A log that cannot be written, as on a full disk, must not make a request fail: what does not fit into the bound is dropped. */
function standardOutput(): ReturnType<typeof destination> {
  const output = destination({ fd: 1, sync: true, maxLength: MAX_UNWRITTEN_BYTES });
  output.on('error', () => undefined);
  return output;
}

function whatIsWorkedOn(): Record<string, string> {
  const [span, requestId] = [trace.getActiveSpan(), activeRequestId()];
  const request: Record<string, string> = requestId === undefined ? {} : { requestId };
  if (span === undefined) return request;
  const { traceId, spanId } = span.spanContext();
  return { trace_id: traceId, span_id: spanId, ...request };
}

const MAX_CAUSES = 5;
const MAX_UNWRITTEN_BYTES = 1024 * 1024;

/** An error as plain data. Unlike the usual serializer it leaves out other properties: database drivers put the row's values there. */
function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? scrubText(error) : redactForLog(error);
  const code = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    message: safeMessage(error),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack: safeStack(error),
    ...(error.cause !== undefined && depth < MAX_CAUSES ? { cause: serializeError(error.cause, depth + 1) } : {}),
  };
}

/** Logs a warning, or counts that it did not. */
export type SeldomWarning = (fields: object, message: string) => void;

const SELDOM_MS = 5_000;

/** Warns at most once in five seconds and says how often it was silent: for failures that every request meets. */
export function warnSeldom(logger: Logger): SeldomWarning {
  let lastMs = Number.NEGATIVE_INFINITY;
  let silent = 0;
  return (fields, message) => {
    if (performance.now() - lastMs < SELDOM_MS) {
      silent += 1;
      return;
    }
    logger.warn({ ...fields, silent }, message);
    lastMs = performance.now();
    silent = 0;
  };
}
