import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../../local/cli/statistics.ts';
import { openRawConnection, type RawConnection, type Target } from './raw-connection.ts';

/** Load of one kind: every connection sends its next request when the one before is answered. */
export type LoadJob = {
  readonly target: Target;
  readonly connections: number;
  /** Whole requests; one is picked at random each time. */
  readonly requests: readonly string[];
  readonly expectedStatus: number;
  /** Ends after so long, or … */
  readonly seconds: number;
  /** … after so many requests, where that is less. */
  readonly maxRequests?: number;
  /** At most so many requests a second, all connections together; absent: as many as are answered. */
  readonly ratePerSecond?: number;
  /** The requests one after the other, again and again, instead of at random. */
  readonly inOrder?: boolean;
  /** Notes the id of the thing that each request has created. */
  readonly collectIds?: boolean;
  /** Another kind of request, which takes this share of all turns at random. Its answers create nothing that is noted. */
  readonly mixedWith?: {
    readonly share: number;
    readonly requests: readonly string[];
    readonly expectedStatus: number;
  };
};

export type Latencies = {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

/** Requests, rate and sizes are of both kinds together, latencies of the first one. */
export type LoadResult = Latencies & {
  readonly seconds: number;
  readonly ratePerSecond: number;
  /** Of the other kind. */
  readonly mixedWith: Latencies;
  /** Of the bodies, on average. */
  readonly answerBytes: number;
  readonly failed: number;
  /** What the first failure was. */
  readonly firstFailure: string | undefined;
  /** What was created, where it was asked for: the place of the request in the list, and the id. */
  readonly created: readonly Created[];
};

export type Created = { readonly request: number; readonly id: string };

/** Connections that break are opened again at most so often each: a dead server must not be hammered. */
const maxReopens = 20;
const reopenAfterMs = 50;

type Tally = {
  readonly latenciesMs: number[];
  readonly mixedLatenciesMs: number[];
  bytes: number;
  sent: number;
  failed: number;
  firstFailure: string | undefined;
  readonly created: Created[];
};

/** Runs the load to its end. */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const tally: Tally = {
    ...{ latenciesMs: [], mixedLatenciesMs: [], created: [] },
    ...{ bytes: 0, sent: 0, failed: 0, firstFailure: undefined },
  };
  const connections = await Promise.all(Array.from({ length: job.connections }, () => openRawConnection(job.target)));
  const startedAtMs = performance.now();
  await Promise.all(connections.map((connection) => runConnection(job, connection, tally, startedAtMs)));
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const { bytes, failed, firstFailure, created } = tally;
  const mixedWith = latenciesOf(tally.mixedLatenciesMs);
  const first = latenciesOf(tally.latenciesMs);
  const requests = first.requests + mixedWith.requests;
  return {
    ...{ ...first, requests, seconds, mixedWith, failed, firstFailure, created },
    ratePerSecond: requests / seconds,
    answerBytes: requests === 0 ? 0 : bytes / requests,
  };
}

function latenciesOf(latenciesMs: readonly number[]): Latencies {
  return {
    requests: latenciesMs.length,
    p50Ms: percentile(latenciesMs, 0.5) ?? 0,
    p99Ms: percentile(latenciesMs, 0.99) ?? 0,
    maxMs: percentile(latenciesMs, 1) ?? 0,
  };
}

async function runConnection(job: LoadJob, first: RawConnection, tally: Tally, startedAtMs: number): Promise<void> {
  const endsAtMs = startedAtMs + job.seconds * 1_000;
  let connection = first;
  let reopens = 0;
  while (performance.now() < endsAtMs && tally.sent < (job.maxRequests ?? Number.POSITIVE_INFINITY)) {
    const number = tally.sent;
    tally.sent += 1;
    if (job.ratePerSecond !== undefined) await untilTurn(startedAtMs + (number / job.ratePerSecond) * 1_000);
    const isMixed = job.mixedWith !== undefined && Math.random() < job.mixedWith.share;
    const { requests, expectedStatus } = isMixed ? job.mixedWith : job;
    const place = job.inOrder ? number % requests.length : Math.floor(Math.random() * requests.length);
    const sentAtMs = performance.now();
    try {
      const { status, body } = await connection.send(requests[place] ?? '');
      if (status === expectedStatus) {
        (isMixed ? tally.mixedLatenciesMs : tally.latenciesMs).push(performance.now() - sentAtMs);
        tally.bytes += body.length;
        if (job.collectIds && !isMixed) tally.created.push({ request: place, id: idOf(body) });
      } else fail(tally, `status ${status}: ${body.toString('utf8', 0, 300)}`);
    } catch (error) {
      fail(tally, String(error));
      reopens += 1;
      if (reopens > maxReopens) break;
      await delay(reopenAfterMs);
      connection = await openRawConnection(job.target).catch(() => connection);
    }
  }
  connection.close();
}

/** The first id in an answer, without reading the rest: {"post":{"id":"…", …}}. */
function idOf(body: Buffer): string {
  return /"id":\s*"([^"]+)"/.exec(body.toString('latin1', 0, 200))?.[1] ?? '';
}

function fail(tally: Tally, problem: string): void {
  tally.failed += 1;
  tally.firstFailure ??= problem;
}

async function untilTurn(atMs: number): Promise<void> {
  const waitMs = atMs - performance.now();
  if (waitMs > 1) await delay(waitMs);
}
