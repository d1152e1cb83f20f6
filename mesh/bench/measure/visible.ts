import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../../local/cli/cli-error.ts';
import { percentile } from '../../local/cli/statistics.ts';
import { personAt } from '../../local/client/people.ts';
import { feedRequests, followerOf, postRequests } from '../crowd.ts';
import { openRawConnection, type RawConnection } from '../load/raw-connection.ts';
import type { MeasureContext } from './context.ts';

export type VisibleFigures = {
  readonly samples: number;
  /** From sending the post until the answer that shows it to a follower. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From sending the post until its answer. */
  readonly p50AnswerMs: number;
  readonly p99AnswerMs: number;
  /** From the answer to the post on. */
  readonly p50AfterAnswerMs: number;
  readonly p99AfterAnswerMs: number;
};

/** The 99th percentile is then the second longest. */
const sampleCount = 120;
const pauseMs = 50;
const pollMs = 1;
const limitMs = 30_000;

/** Posts one at a time, and reads a follower's feed until each is there. */
export async function measureVisible(context: MeasureContext, name: string): Promise<VisibleFigures> {
  const { stack, progress, signal } = context;
  const phase = progress.phase(name, sampleCount);
  const [author, follower] = await Promise.all([
    openRawConnection(stack.frontDoor),
    openRawConnection(stack.frontDoor),
  ]);
  const fromSendingMs: number[] = [];
  const answerMs: number[] = [];
  const fromAnswerMs: number[] = [];
  try {
    for (let sample = 0; sample < sampleCount; sample += 1) {
      const { sentAtMs, answeredAtMs, seenAtMs } = await takeSample(context, sample, author, follower);
      fromSendingMs.push(seenAtMs - sentAtMs);
      answerMs.push(answeredAtMs - sentAtMs);
      fromAnswerMs.push(seenAtMs - answeredAtMs);
      phase.done();
      await delay(pauseMs, undefined, { signal });
    }
  } finally {
    author.close();
    follower.close();
  }
  phase.end();
  const at = (samples: readonly number[], share: number): number => percentile(samples, share) ?? 0;
  return {
    samples: sampleCount,
    ...{ p50Ms: at(fromSendingMs, 0.5), p99Ms: at(fromSendingMs, 0.99) },
    ...{ p50AnswerMs: at(answerMs, 0.5), p99AnswerMs: at(answerMs, 0.99) },
    ...{ p50AfterAnswerMs: at(fromAnswerMs, 0.5), p99AfterAnswerMs: at(fromAnswerMs, 0.99) },
  };
}

type Sample = { readonly sentAtMs: number; readonly answeredAtMs: number; readonly seenAtMs: number };

async function takeSample(
  { stack, crowd }: MeasureContext,
  number: number,
  author: RawConnection,
  follower: RawConnection,
): Promise<Sample> {
  const { viewers } = crowd;
  const writer = Math.floor((number / sampleCount) * viewers.length);
  const reader = followerOf(writer, viewers.length);
  const [write = ''] = await postRequests([personAt(viewers, writer)], stack.frontDoor);
  const [read = ''] = await feedRequests([personAt(viewers, reader)], stack.frontDoor);
  const sentAtMs = performance.now();
  const written = await author.send(write);
  const answeredAtMs = performance.now();
  if (written.status !== 201) throw new CliError(`a post was answered by ${written.status}: ${written.body}`);
  const { post } = JSON.parse(written.body.toString()) as { post: { id: string } };
  while (performance.now() - answeredAtMs < limitMs) {
    const feed = await follower.send(read);
    if (feed.status !== 200) throw new CliError(`a feed was answered by ${feed.status}: ${feed.body}`);
    if (feed.body.includes(post.id)) return { sentAtMs, answeredAtMs, seenAtMs: performance.now() };
    await delay(pollMs);
  }
  throw new CliError(`a post was not visible within ${limitMs / 1_000} s`);
}
