import { systemClock } from '#kit/clock.ts';
import { CliError } from '../../cli/cli-error.ts';
import { type Command, parseFlags, wholeNumber } from '../../cli/command.ts';
import { readSettings } from '../../settings.ts';
import { withRunningSettings } from '../../supervisor/state.ts';
import { type Look, look } from './overview.ts';
import type { Scrape } from './read/scrape.ts';
import { render } from './show/render.ts';
import { usualWidth } from './show/text.ts';
import { mostBlocks, watch } from './watch.ts';

const usualIntervalSeconds = 2;
const [narrowest, widest] = [60, 120];

export const command: Command = {
  usage: `usage: ./oxo status [--watch [SECONDS]] [--times COUNT] [--json]

What to open at 3 a.m. The first line says whether people are served, and what is degraded. Then come problems, worst first, each
with what people notice of it, since when if that can be told, what to type next, and the runbook that helps. Then tables: each
process (state, version, pid, restarts, memory as its proportional share), requests with errors and p99 over the last second
(with up --observability over five minutes too, and problems that only its alerts see),
how long events wait in each outbox, how far behind each consumer is and when it last fetched, how many events were given up;
limits, mails, the ages of keys, the load of the machine, and the disk.

Whatever is frozen, away or full, no question waits longer than a second and a half: it answers after one to three seconds, and later where
the machine has more to do than it can. Exit code 0 only when all is ready. What is frozen is "not answering"; the supervisor starts it again
after four seconds when a signal stopped it, else after half a minute. What is "gone" has ended, and the supervisor has not seen it.

  --watch        again every ${usualIntervalSeconds} seconds (or SECONDS, 1 to 3600) until Ctrl-C, in place on a terminal; rates are those since the
                 look before. Without a terminal a block each time, at most ${mostBlocks}. Exit code 0
  --times COUNT  with --watch: at most so many times
  --json         the same and all URLs for programs; with --watch one line each time. Holds passwords

Fields of --json (more may come, none goes): ready, serving ("served", "degraded", "partly", "not served"; absent when no service
runs), summary, problems [{alert, subject, impact, what, noticed, since, next, runbook}], supervisor {pid, since}, version, urls,
processes [{name, state, pid, restarts, since, lastExit, memoryBytes, version, failing, frozen}], frontDoor {ms},
rates {source, seconds, frontDoor {perSecond, errorsPerSecond, p99Ms}, rpcs [{rpc, …}], fanoutP99Ms, mailsSent, mailsFailed,
refusedSignIns}, longRates (the same over 5 minutes and lastFaultAt, with up --observability), outboxes [{schema, waiting, oldestSeconds}], events {consumers [{name, pending, inFlight, redelivered, pulls,
lastDeliveredAt, lastFetchAt, pausedUntil, oldestWaitingAt}], deadLetters, deadSince}, limits, mails, keys, machine, disk, alerts. {error} stands for what can't be asked.`,
  run,
};

async function run(argv: readonly string[]): Promise<number> {
  const options = {
    json: { type: 'boolean', default: false },
    watch: { type: 'boolean', default: false },
    times: { type: 'string' },
  } as const;
  const { values, positionals } = parseFlags(argv, options, 1);
  const [seconds] = positionals;
  if (!values.watch && (seconds !== undefined || values.times !== undefined)) {
    throw new CliError(`"${seconds ?? '--times'}" needs --watch`, { exitCode: 2 });
  }
  const show = values.json ? (seen: Look, space?: number) => JSON.stringify(seen.status, null, space) : asText;
  if (!values.watch) {
    const seen = await lookNow();
    console.log(show(seen, 2));
    return seen.status.ready ? 0 : 1;
  }
  const intervalMs = 1_000 * (seconds === undefined ? usualIntervalSeconds : wholeNumber('--watch', seconds, 1, 3_600));
  const times = values.times === undefined ? undefined : wholeNumber('--times', values.times, 1, mostBlocks);
  let before: Scrape | undefined;
  const again = async (): Promise<string> => {
    const seen = await lookNow(before);
    before = seen.scrape;
    return show(seen) + (values.json || process.stdout.isTTY ? '' : '\n');
  };
  await watch({ screen: process.stdout, intervalMs, look: again, signal: untilSignal(), times });
  return 0;
}

/** The settings are read anew each time: another stack may have been started meanwhile. */
function lookNow(before?: Scrape): Promise<Look> {
  return look(withRunningSettings(readSettings(process.env)), before);
}

function asText({ status }: Look): string {
  const columns = process.stdout.isTTY ? process.stdout.columns : usualWidth;
  return render(status, systemClock.nowMs(), Math.min(Math.max(columns, narrowest), widest));
}

/** Ctrl-C is how one ends it, so it is no failure. */
function untilSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => controller.abort());
  return controller.signal;
}
