/**
 * Takes the traces of a stack, shows them and the dashboards, and tells Prometheus how NATS does.
 * Settings: TELEMETRY_FOLDER, TELEMETRY_PORT, PROMETHEUS_URL, NATS_MONITOR_URL (absent where NATS is not ours).
 */
import { systemClock } from '#kit/clock.ts';
import { createLogger } from '#kit/observability/logger.ts';
import { endOnCrash } from '../supervisor/log.ts';
import { openTraceStore } from './traces/store.ts';
import { serveTelemetry } from './web.ts';

const { TELEMETRY_FOLDER = '', TELEMETRY_PORT, PROMETHEUS_URL = '', NATS_MONITOR_URL } = process.env;

const logger = createLogger({ service: 'telemetry' });
endOnCrash(logger);
const complain = once('traces are kept in memory alone, their file can not be written');
const store = openTraceStore(TELEMETRY_FOLDER, systemClock.nowMs, undefined, complain);
const { close } = await serveTelemetry({
  store,
  port: Number(TELEMETRY_PORT),
  prometheusUrl: PROMETHEUS_URL,
  natsMonitorUrl: NATS_MONITOR_URL,
  nowMs: systemClock.nowMs,
});
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => void close().then(() => process.exit(0)));
logger.info({ port: Number(TELEMETRY_PORT) }, 'taking traces');

/** A disk that stays full is told of one time. */
function once(what: string): (error: unknown) => void {
  let told = false;
  return (error) => {
    if (!told) logger.error({ err: error }, what);
    told = true;
  };
}
