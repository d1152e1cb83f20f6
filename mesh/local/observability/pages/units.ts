/** Values as Grafana's units say them. */
const decimal = ['', ' k', ' M', ' G', ' T'] as const;
const binary = [' B', ' KiB', ' MiB', ' GiB', ' TiB'] as const;

/** @param unit of Grafana: s, ms, bytes, percentunit, percent, reqps, ops, short, … */
export function formatValue(value: number, unit: string): string {
  if (Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (unit === 's') return seconds(value);
  if (unit === 'ms') return seconds(value / 1_000);
  if (unit === 'percentunit') return `${short(value * 100)} %`;
  if (unit === 'percent') return `${short(value)} %`;
  if (unit === 'bytes' || unit === 'decbytes') return scaled(value, 1_024, binary);
  if (unit === 'Bps' || unit === 'binBps') return `${scaled(value, 1_024, binary)}/s`;
  if (unit === 'reqps' || unit === 'ops' || unit === 'cps' || unit === 'wps' || unit === 'rps')
    return `${scaled(value, 1_000, decimal)}/s`;
  return scaled(value, 1_000, decimal);
}

function seconds(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0 s';
  if (size < 0.001) return `${short(value * 1e6)} µs`;
  if (size < 1) return `${short(value * 1_000)} ms`;
  if (size < 120) return `${short(value)} s`;
  if (size < 7_200) return `${short(value / 60)} min`;
  return size < 172_800 ? `${short(value / 3_600)} h` : `${short(value / 86_400)} d`;
}

function scaled(value: number, base: number, names: readonly string[]): string {
  const exponent = value === 0 ? 0 : Math.floor(Math.log(Math.abs(value)) / Math.log(base));
  const index = Math.min(names.length - 1, Math.max(0, exponent));
  return `${short(value / base ** index)}${names[index]}`;
}

/** Three digits that matter. */
function short(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 100) return value.toFixed(0);
  return String(Number(value.toPrecision(size >= 1 ? 3 : 2)));
}
