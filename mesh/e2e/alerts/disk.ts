import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '#kit/clock.ts';

/** A disk that nobody has: what a node exporter would tell of it, and how it fares. */
export type Disk = {
  /** host:port, for Prometheus. */
  readonly address: string;
  /** `isFull`: nothing can be written any more. `isSlow`: every write takes half a second. */
  readonly set: (state: { readonly isFull: boolean; readonly isSlow: boolean }) => void;
  readonly stop: () => Promise<void>;
};

const sizeBytes = 100e9;
const freeBytes = { ok: 60e9, full: 1e6 };
const writesPerSecond = 20;
const secondsPerWrite = { ok: 0.001, slow: 0.5 };

/** Tells of a disk what node_exporter tells: the machine's own can neither be filled nor slowed down by a test. */
export async function startDisk(): Promise<Disk> {
  let state = { isFull: false, isSlow: false };
  let last = systemClock.nowMs();
  const counted = { writes: 0, seconds: 0 };
  const render = (): string => {
    const nowMs = systemClock.nowMs();
    const writes = ((nowMs - last) / 1_000) * writesPerSecond;
    last = nowMs;
    counted.writes += writes;
    counted.seconds += writes * (state.isSlow ? secondsPerWrite.slow : secondsPerWrite.ok);
    const filesystem = '{device="/dev/none",fstype="ext4",mountpoint="/none"}';
    const values = {
      [`node_filesystem_size_bytes${filesystem}`]: sizeBytes,
      [`node_filesystem_avail_bytes${filesystem}`]: state.isFull ? freeBytes.full : freeBytes.ok,
      [`node_filesystem_readonly${filesystem}`]: 0,
      [`node_filesystem_files${filesystem}`]: 1e6,
      [`node_filesystem_files_free${filesystem}`]: 9e5,
      'node_disk_writes_completed_total{device="none"}': counted.writes,
      'node_disk_write_time_seconds_total{device="none"}': counted.seconds,
    };
    return `${Object.entries(values)
      .map(([series, value]) => `${series} ${value}`)
      .join('\n')}\n`;
  };
  const server = createServer((_, response) => response.setHeader('content-type', 'text/plain').end(render()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (next) => {
      state = next;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
