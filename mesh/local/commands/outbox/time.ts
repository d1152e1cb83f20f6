import { CliError } from '../../cli/cli-error.ts';

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads a point in time: how long ago (`90s`, `30m`, `6h`, `3d`) or an ISO 8601 time, in UTC unless it names a zone.
 * @param flag named in the error
 * @throws CliError (exit code 2) when it is neither, or in the future
 */
export function readTime(flag: string, text: string, nowMs: number): Date {
  const time = parse(text, nowMs);
  if (time === undefined || Number.isNaN(time.getTime())) {
    throw new CliError(`${flag} must be a time or a duration, not "${text}"`, {
      exitCode: 2,
      advice: ['for example 30m, 6h, 3d, 2026-05-04T09:30 or 2026-05-04T09:30+02:00'],
    });
  }
  if (time.getTime() > nowMs) throw new CliError(`${flag} ${text} is in the future`, { exitCode: 2 });
  return time;
}

function parse(text: string, nowMs: number): Date | undefined {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago !== null) return new Date(nowMs - Number(ago[1]) * (unitsMs[ago[2] ?? ''] ?? 0));
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?))?(Z|[+-]\d{2}:\d{2})?$/.exec(text);
  if (iso === null) return undefined;
  return new Date(`${iso[1]}T${iso[2] ?? '00:00'}${iso[3] ?? 'Z'}`);
}
