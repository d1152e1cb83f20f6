import { type KnownPost, newestFirst } from '../demo/expected-feeds.ts';
import type { CrowdRun } from './crowd.ts';

/** A post as it came out of a list. */
export type Listed = { readonly id: string; readonly createdAtMs: number; readonly text: string };

/**
 * Compares the posts of one person with what must be there, newest first.
 * @param where for the findings
 */
export function compareList(
  { expected, findings }: Pick<CrowdRun, 'expected' | 'findings'>,
  where: string,
  wanted: readonly KnownPost[],
  found: readonly Listed[],
) {
  const texts = new Map<string, string>();
  const seen = new Set<string>();
  for (const { id, text } of wanted) texts.set(id, text);
  const known = new Set(texts.values());
  for (const [index, { id, text, createdAtMs }] of found.entries()) {
    const before = found[index - 1];
    if (seen.has(id)) findings.add('doubled', `${id}: ${where}`);
    else if (before !== undefined && newestFirst(before, { id, createdAtMs }) > 0)
      findings.add('outOfPlace', `${id}: ${where}`);
    seen.add(id);
    if (texts.get(id) === text) continue;
    const became = expected.whatBecameOf(id);
    if (became === 'unknown' && known.has(text)) findings.add('doubled', `${JSON.stringify(text)} as ${id}: ${where}`);
    else if (became === 'unknown') findings.add('wrong', `${id} was never acknowledged: ${where}`);
    else findings.add('wrong', `${id} is ${became === 'deleted' ? 'deleted' : 'edited'}: ${where}`);
  }
  for (const { id } of wanted) if (!seen.has(id)) findings.add('lost', `${id}: ${where}`);
}
