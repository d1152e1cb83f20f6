import type { Trace } from './index.ts';
import type { TraceStore } from './store.ts';
import { summarise, type TraceSummary } from './tree.ts';

/** What somebody looks for; all of it must hold. */
export type TraceQuery = {
  /** A trace id, or a request id. */
  readonly id?: string | undefined;
  readonly service?: string | undefined;
  readonly errors?: boolean;
  /** Also what nobody has asked for: statements of work that a service does by itself. */
  readonly background?: boolean;
  /** At least so long. */
  readonly slowerThanMs?: number | undefined;
};

export const maxResults = 100;
/** A query looks at so many of the latest at most. */
const maxLookedAt = 20_000;

/** By trace id or request id, the latest first: whoever calls may say the request id of another. */
export function findTraces(store: TraceStore, id: string): Trace[] {
  const trace = store.trace(id.toLowerCase());
  return trace === undefined ? store.ofRequest(id) : [trace];
}

/** The latest first, `maxResults` at most. */
export function searchTraces(store: TraceStore, query: TraceQuery): TraceSummary[] {
  const { id, service, errors, slowerThanMs, background } = query;
  if (id !== undefined) return findTraces(store, id).map(summarise);
  const found: TraceSummary[] = [];
  for (const trace of store.all().slice(0, maxLookedAt)) {
    if (background !== true && !trace.spans.some(({ kind }) => kind === 'server' || kind === 'consumer')) continue;
    if (service !== undefined && !trace.spans.some((span) => span.service === service)) continue;
    const summary = summarise(trace);
    if (errors === true && summary.errors === 0) continue;
    if (slowerThanMs !== undefined && summary.durationMs < slowerThanMs) continue;
    found.push(summary);
    if (found.length === maxResults) break;
  }
  return found.sort((one, other) => other.startMs - one.startMs);
}
