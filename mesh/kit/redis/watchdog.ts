/** Watches the answers of one connection: they come in the order of the questions, so the oldest one tells of all. */
export interface Watchdog {
  /** Settles as the answer does; meanwhile it counts as awaited. */
  watch<Answer>(answer: Promise<Answer>): Promise<Answer>;
  /** How many answers are awaited. */
  awaited(): number;
  /** Forgets what is awaited. */
  stop(): void;
}

interface Question {
  sinceMs: number;
  /** It was given more time because this process was held up. */
  spared: boolean;
}

/** A timer that is later than this tells that the process itself was held up. */
const HELD_UP_MS = 50;

/**
 * @param limitMs in which some answer must come while any is awaited. When this process was held up in that time, the question may not have left,
 *   so it is given the whole time once more. In any case what has come is read before anything counts as overdue.
 * @param onOverdue is called once an answer has taken longer, and should make everything that is awaited fail
 */
export function createWatchdog(limitMs: number, onOverdue: () => void): Watchdog {
  /** Oldest first. */
  const awaited = new Set<Question>();
  /** A server that answers anything is there: questions behind a long row of others wait, and nothing is wrong. */
  let lastAnswerMs = 0;
  /** One for all: a timer for each question would cost more than the question. */
  let timer: NodeJS.Timeout | undefined;
  let reading: NodeJS.Immediate | undefined;

  function lookIn(ms: number): void {
    const dueMs = performance.now() + ms;
    timer = setTimeout(() => look(performance.now() - dueMs), Math.ceil(ms));
  }

  function look(lateMs: number): void {
    timer = undefined;
    const first = awaited.values().next().value;
    if (first === undefined) return;
    const leftMs = Math.max(first.sinceMs, lastAnswerMs) + limitMs - performance.now();
    if (leftMs > 0) lookIn(leftMs);
    else if (first.spared || lateMs < HELD_UP_MS) readFirst();
    else {
      first.spared = true;
      lookIn(limitMs);
    }
  }

  /** Timers come before what lies unread; once all of that has been read, silence is silence. */
  function readFirst(): void {
    const askedMs = performance.now();
    reading = setImmediate(() => {
      reading = undefined;
      if (awaited.size === 0) return;
      if (lastAnswerMs < askedMs) onOverdue();
      else look(0);
    });
  }

  return {
    async watch(answer) {
      const question = { sinceMs: performance.now(), spared: false };
      awaited.add(question);
      if (timer === undefined && reading === undefined) lookIn(limitMs);
      try {
        return await answer;
      } finally {
        lastAnswerMs = performance.now();
        awaited.delete(question);
      }
    },
    awaited: () => awaited.size,
    stop() {
      clearTimeout(timer);
      clearImmediate(reading);
      [timer, reading] = [undefined, undefined];
      awaited.clear();
    },
  };
}
