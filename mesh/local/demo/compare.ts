import type { FeedItem } from '../client/api.ts';
import { type KnownPost, newestFirst } from './expected-feeds.ts';

export type DifferenceKind = 'missing' | 'unexpected' | 'twice' | 'order' | 'content' | 'paging';

/** One thing that is wrong with a feed. */
export type Difference = {
  readonly kind: DifferenceKind;
  readonly postId: string;
  /** In words, for the person who runs the demo. */
  readonly text: string;
};

export type CompareContext = {
  /** The user id of a person. */
  readonly userIdOf: (person: number) => string;
  readonly reader: number;
  /** Why a post should not be there. */
  readonly explain: (postId: string) => string;
};

/**
 * Compares a feed that was read to its end with what it must hold: nothing missing, nothing that does not belong there,
 * nothing twice, newest first, and everything as it was written last.
 */
export function compareFeed(
  expected: readonly KnownPost[],
  actual: readonly FeedItem[],
  context: CompareContext,
): Difference[] {
  const wanted = new Map(expected.map((post) => [post.id, post]));
  const seenAt = new Map<string, number>();
  const differences: Difference[] = [];
  const report = (kind: DifferenceKind, postId: string, text: string): void => {
    differences.push({ kind, postId, text });
  };
  for (const [index, item] of actual.entries()) {
    const earlier = seenAt.get(item.id);
    if (earlier !== undefined) {
      report('twice', item.id, `is item ${earlier + 1} and item ${index + 1}`);
      continue;
    }
    seenAt.set(item.id, index);
    const before = actual[index - 1];
    if (before !== undefined && newestFirst(before, item) > 0) {
      report('order', item.id, `item ${index + 1} is newer than item ${index} (${before.id})`);
    }
    const post = wanted.get(item.id);
    if (post === undefined) report('unexpected', item.id, `item ${index + 1}: ${context.explain(item.id)}`);
    else
      for (const text of contentProblems(post, item, context)) report('content', item.id, `item ${index + 1}: ${text}`);
  }
  for (const [index, post] of expected.entries()) {
    if (!seenAt.has(post.id)) report('missing', post.id, `should be item ${index + 1}: ${describe(post)}`);
  }
  return differences;
}

function contentProblems(post: KnownPost, item: FeedItem, { reader, userIdOf }: CompareContext): string[] {
  const reason = post.author === reader ? 'OWN_POST' : 'FOLLOWED_AUTHOR';
  const pairs: [string, unknown, unknown][] = [
    ['text', post.text, item.text],
    ['author', userIdOf(post.author), item.authorId],
    ['visibility', post.visibility, item.visibility],
    ['createdAt', new Date(post.createdAtMs).toISOString(), isoOf(item.createdAtMs)],
    ['edited', post.edited, item.edited],
    ['reason', reason, item.reason],
  ];
  return pairs
    .filter(([, wanted, found]) => wanted !== found)
    .map(([name, wanted, found]) => `${name} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}

function isoOf(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : 'no time';
}

function describe(post: KnownPost): string {
  const text = post.text.length > 60 ? `${[...post.text].slice(0, 60).join('')}…` : post.text;
  return `${JSON.stringify(text)} by person ${post.author}, ${new Date(post.createdAtMs).toISOString()}`;
}
