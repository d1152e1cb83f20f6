/**
 * Stands between NATS and the handlers of a consumer and does what a network may do: holds events back, so that they overtake
 * each other, repeats them later, and lets a handling fail after it was done.
 */
import type { EventHandler, HandlerContext } from '#kit/events/consumers/handlers.ts';
import { until } from '#kit/testing/until.ts';
import type { StepClock } from './step-clock.ts';

/** What becomes of the event of one request. */
export type Fate = {
  /** Steps that go by before it is handled. */
  readonly heldFor: number;
  /** It is handled again, so many steps after the first time each. */
  readonly again: readonly number[];
  /** Its first handling is done and counts as failed all the same, so that NATS delivers it once more. */
  readonly fails: boolean;
  /** A fault on purpose: it is acknowledged and never handled. */
  readonly isLost?: boolean;
};

/** As on a good day. */
export const atOnce: Fate = { heldFor: 0, again: [], fails: false };

export type Interposer = {
  readonly wrap: (handler: EventHandler) => EventHandler;
  /** The event of this request is to come. */
  readonly expect: (requestId: string, fate: Fate, clock: StepClock) => void;
  /** Whether it has been handled at least once. */
  readonly isHandled: (requestId: string) => boolean;
  /** How often its handling has begun, and ended. */
  readonly handlings: (requestId: string) => { readonly begun: number; readonly ended: number };
  /** Resolves when all events of these requests have come and been handled as often as they shall be. */
  readonly settled: (requestIds: readonly string[]) => Promise<void>;
  readonly forget: (requestIds: readonly string[]) => void;
};

type Expected = {
  readonly fate: Fate;
  readonly clock: StepClock;
  /** Step of the request. */
  readonly since: number;
  deliveries: number;
  begun: number;
  ended: number;
  isHandled: boolean;
  readonly repeats: Promise<void>[];
};

/** Well within the time limit of a handler. */
const workingEveryMs = 1_000;
/** Redis is restarted now and then, and what failed comes again only after a while. */
const settleLimitMs = 60_000;

export function createInterposer(): Interposer {
  const expected = new Map<string, Expected>();

  async function hold({ clock, since, fate }: Expected, context: HandlerContext): Promise<void> {
    const working = setInterval(() => context.working(), workingEveryMs);
    try {
      await clock.reach(since + fate.heldFor);
    } finally {
      clearInterval(working);
    }
  }

  async function deliver(event: Expected, run: (context: HandlerContext) => unknown, context: HandlerContext) {
    const { fate, clock } = event;
    event.deliveries += 1;
    if (event.deliveries === 1) await hold(event, context);
    if (fate.isLost !== true) await run(context);
    const isFirst = !event.isHandled;
    event.isHandled = true;
    if (fate.fails && event.deliveries === 1) throw new Error('the interposer lets it fail');
    if (!isFirst) return;
    for (const steps of fate.again) event.repeats.push(repeatLater(clock, steps, run));
  }

  return {
    wrap: (handler) => ({
      subject: handler.subject,
      prepare(payload) {
        const run = handler.prepare(payload);
        return (metadata, context) => {
          const event = expected.get(metadata.requestId ?? '');
          if (event === undefined) return run(metadata, context);
          const handle = async (own: HandlerContext) => {
            event.begun += 1;
            try {
              await run(metadata, own);
            } finally {
              event.ended += 1;
            }
          };
          return deliver(event, handle, context);
        };
      },
    }),
    expect(requestId, fate, clock) {
      const since = clock.now();
      expected.set(requestId, { fate, clock, since, deliveries: 0, begun: 0, ended: 0, isHandled: false, repeats: [] });
    },
    isHandled: (requestId) => expected.get(requestId)?.isHandled ?? false,
    handlings: (requestId) => expected.get(requestId) ?? { begun: 0, ended: 0 },
    async settled(requestIds) {
      const events = requestIds.flatMap((requestId) => expected.get(requestId) ?? []);
      const isDone = ({ isHandled, fate, deliveries }: Expected) => isHandled && (!fate.fails || deliveries > 1);
      await until('all events have been handled', () => events.every(isDone), settleLimitMs);
      await Promise.all(events.flatMap(({ repeats }) => repeats));
    },
    forget: (requestIds) => {
      for (const requestId of requestIds) expected.delete(requestId);
    },
  };
}

async function repeatLater(clock: StepClock, steps: number, run: (context: HandlerContext) => unknown): Promise<void> {
  await clock.reach(clock.now() + steps);
  try {
    await run({ working: () => undefined, signal: new AbortController().signal });
  } catch {
    // Redis was restarted under it. The event has been handled before, so nothing is owed.
  }
}
