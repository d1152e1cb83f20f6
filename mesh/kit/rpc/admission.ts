import { unavailable } from '#kit/errors.ts';

/**
 * How much a call matters when not all can be served. A read costs its caller a second try; a write may be all that somebody has
 * typed; a neighbour's call is the rest of work that was let in already; a stream lasts, and takes no place of the others.
 */
export type Rank = 'read' | 'write' | 'neighbour' | 'stream';

/** Of the calls in hand that a server allows, reads may be no more than this share, reads and writes together no more than that one. */
const SHARE: Record<Exclude<Rank, 'stream'>, number> = { read: 2 / 3, write: 5 / 6, neighbour: 1 };

export interface AdmissionLimits {
  /** Calls in hand at once. */
  maxCalls: number;
  /** Streams of answers to users that are open at once. */
  maxStreams: number;
}

/** The calls that a server has in hand. What is over the limit is refused and not queued: the queue would be time that nobody gets back. */
export interface Admission {
  /** Lets a call in; whoever is let in must leave. @throws OxoError UNAVAILABLE, at once, when there are too many */
  enter(rank: Rank): void;
  leave(rank: Rank): void;
}

/** Nobody is in yet. */
export function createAdmission({ maxCalls, maxStreams }: AdmissionLimits): Admission {
  const limits: Record<Rank, number> = {
    read: Math.ceil(maxCalls * SHARE.read),
    write: Math.ceil(maxCalls * SHARE.write),
    neighbour: maxCalls * SHARE.neighbour,
    stream: maxStreams,
  };
  let calls = 0;
  let streams = 0;
  return {
    enter(rank) {
      if ((rank === 'stream' ? streams : calls) >= limits[rank]) throw unavailable('The service is busy.');
      if (rank === 'stream') streams += 1;
      else calls += 1;
    },
    leave(rank) {
      if (rank === 'stream') streams -= 1;
      else calls -= 1;
    },
  };
}
