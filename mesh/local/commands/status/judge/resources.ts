import { DAY_MS } from '#kit/clock.ts';
import type { KeysHealth } from '../read/keys.ts';
import { isUnread, type Readings } from '../read/readings.ts';
import { samplesOf, sumOf } from '../read/samples.ts';
import { type Problem, problem } from './problem.ts';
import { thresholds } from './thresholds.ts';

const gibibyte = 1024 ** 3;
/** As doctor, and later than the alert (20 GB, a tenth): disks of a machine on which somebody works are fuller than those of a server. */
const fillingBelowBytes = 2 * gibibyte;
const fewInodesShare = 0.01;
/** When it is due; the alert comes eight days later. */
const encryptionKeyDays = 365;
const daySeconds = DAY_MS / 1_000;

/** Disk, keys, limits, and what the processes say of themselves. */
export function judgeResources(readings: Readings): Problem[] {
  const { keys } = readings;
  return [
    ...judgeDisk(readings.disk),
    ...(keys === undefined || isUnread(keys) ? [] : judgeKeys(keys)),
    ...judgeLimits(readings),
    ...judgeSamples(readings.samples),
  ];
}

function judgeDisk({ full, folder, freeBytes, freeInodes, totalInodes }: Readings['disk']): Problem[] {
  const next = `du -xsh ${folder}/* | sort -h`;
  if (full) {
    return [
      problem('WritesRefusedDiskFull', {
        impact: 'partial',
        what: `the disk is full: ${mebibytes(freeBytes)} MiB free below ${folder}`,
        noticed: 'nobody can post, follow or sign up until there is room; reading goes on',
        next,
      }),
    ];
  }
  const fewInodes = freeInodes !== undefined && freeInodes / totalInodes < fewInodesShare;
  if (freeBytes >= fillingBelowBytes && !fewInodes) return [];
  const what = fewInodes
    ? `hardly any inodes are left below ${folder}`
    : `the disk fills: ${mebibytes(freeBytes)} MiB free below ${folder}`;
  return [problem('DiskFilling', { impact: 'soon', what, noticed: 'nothing yet; when it is full, writes fail', next })];
}

function judgeKeys({
  signingAgeSeconds,
  encryptionAgeSeconds,
  rotateAfterDays,
  nextIsPublished,
}: KeysHealth): Problem[] {
  const found: Problem[] = [];
  const signingDays = (signingAgeSeconds ?? 0) / daySeconds;
  const isOld = rotateAfterDays !== undefined && signingDays > rotateAfterDays + thresholds.signingKeyGraceDays;
  if (isOld || (signingAgeSeconds !== undefined && !nextIsPublished)) {
    const what = isOld
      ? `the key that signs tokens is ${Math.floor(signingDays)} days old`
      : 'no next key to sign tokens is published';
    const noticed = 'nothing; whoever has stolen the key signs tokens with it';
    found.push(problem('SigningKeyOld', { impact: 'soon', what, noticed, next: './oxo keys rotate' }));
  }
  const encryptionDays = (encryptionAgeSeconds ?? 0) / daySeconds;
  if (encryptionDays > encryptionKeyDays) {
    found.push(
      problem('EncryptionKeyOld', {
        impact: 'soon',
        what: `the key-encryption key is ${Math.floor(encryptionDays)} days old`,
        noticed: 'nothing; whoever has seen it reads keys in every backup',
        next: './oxo keys rotate-kek',
      }),
    );
  }
  return found;
}

/** What was passed uncounted in the past is no problem of now; that there is no limiter is one. */
function judgeLimits({ limits, processes }: Readings): Problem[] {
  if (isUnread(limits) || limits.off === undefined) return [];
  if (!processes.some(({ name }) => name === 'envoy')) return [];
  return [
    problem('LimiterAway', {
      impact: 'soon',
      what: `there is no rate limit service: ${limits.off}`,
      noticed: 'nothing; writes are limited by network alone',
      next: './oxo down && ./oxo up',
    }),
  ];
}

function judgeSamples(samples: Readings['samples']): Problem[] {
  return Object.entries(samples).flatMap(([name, own]) => {
    const found: Problem[] = [];
    const about = { subject: name, next: `./oxo logs ${name}` };
    const lag = samplesOf(own, 'nodejs_eventloop_lag_p99_seconds')[0]?.value ?? 0;
    if (lag > thresholds.blockedSeconds) {
      const what = `${name} was busy for ${(lag * 1_000).toFixed(0)} ms without a pause`;
      const noticed = 'requests to it wait that long';
      found.push(problem('EventLoopBlocked', { ...about, impact: 'degraded', what, noticed }));
    }
    const waiting = sumOf(samplesOf(own, 'oxo_db_pool_waiting')) ?? 0;
    // At this moment, which is harmless now and then. The alert wakes somebody when some have waited for minutes.
    if (waiting > 0) {
      const what = `${waiting} requests of ${name} wait for a connection to Postgres`;
      const noticed = 'requests are slow, then fail with 503';
      found.push(problem('DatabasePoolExhausted', { ...about, impact: 'soon', what, noticed }));
    }
    return found;
  });
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(0);
}
