/**
 * Takes the traces of a stack, shows them and the dashboards, and tells Prometheus how NATS does.
 * Settings: TELEMETRY_FOLDER, TELEMETRY_PORT, PROMETHEUS_URL, NATS_MONITOR_URL (absent where NATS is not ours).
 */
import { z } from 'zod';
import { systemClock } from '#kit/clock.ts';
import { createLogger } from '#kit/observability/logger.ts';
import { endOnCrash } from '../supervisor/log.ts';
import type { OnProblem } from './traces/segments.ts';
import { openTraceStore } from './traces/store.ts';
import { serveTelemetry } from './web.ts';

const logger = createLogger({ service: 'telemetry' });
endOnCrash(logger);
const settings = readSettings();
const store = openTraceStore(settings.TELEMETRY_FOLDER, systemClock.nowMs, undefined, complainOnce());
const { close } = await serveTelemetry({
  store,
  port: settings.TELEMETRY_PORT,
  prometheusUrl: settings.PROMETHEUS_URL,
  natsMonitorUrl: settings.NATS_MONITOR_URL,
  nowMs: systemClock.nowMs,
});
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => void close().then(() => process.exit(0)));
logger.info({ port: settings.TELEMETRY_PORT }, 'taking traces');

/** All that is wrong with them is told at once, and nothing starts. */
function readSettings() {
  const schema = z.object({
    TELEMETRY_FOLDER: z.string().min(1),
    TELEMETRY_PORT: z.coerce.number().int().min(1).max(65_535),
    PROMETHEUS_URL: z.url(),
    NATS_MONITOR_URL: z.url().optional(),
  });
  const read = schema.safeParse(process.env);
  if (read.success) return read.data;
  // Names and what they must be, and no value: one has a password.
  const wrong = read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  logger.fatal({ wrong }, 'settings are missing or wrong');
  process.exit(1);
}

/** A disk that stays full is told of one time. */
function complainOnce(): OnProblem {
  const told = new Set<string>();
  return (what, error) => {
    if (!told.has(what)) logger.error({ err: error }, what);
    told.add(what);
  };
}
