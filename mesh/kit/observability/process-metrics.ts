import { readFileSync } from 'node:fs';
import { LOG_LEVELS, type LogLevel } from '#kit/observability/logger.ts';
import { type Metrics, startAtZero } from '#kit/observability/metrics.ts';

/** Metrics that each process of ours has: what it is, and how much it logs. @returns what the logger is to tell */
export function measureProcess(metrics: Metrics): (level: LogLevel) => void {
  metrics
    .gauge({ name: 'oxo_build_info', help: 'Always 1: which version this process runs.', labelNames: ['version'] })
    .set({ version: buildVersion() }, 1);
  const lines = metrics.counter({
    name: 'oxo_log_lines_total',
    help: 'Lines logged, by level.',
    labelNames: ['level'],
  });
  startAtZero(lines, ...LOG_LEVELS.map((level) => ({ level })));
  return (level) => lines.inc({ level });
}

/** What whoever built it says (`OXO_VERSION`, such as a commit), or else the version in package.json. */
function buildVersion(): string {
  const { OXO_VERSION: given = '' } = process.env;
  if (given !== '') return given;
  const manifest = new URL('../../../package.json', import.meta.url);
  const { version }: { version: string } = JSON.parse(readFileSync(manifest, 'utf8'));
  return version;
}
