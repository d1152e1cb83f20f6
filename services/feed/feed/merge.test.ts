import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newId } from '#kit/ids.ts';
import type { Position } from '#kit/page-token.ts';
import { newestFirst, type TimelineEntry } from '#kit/redis/timeline.ts';
import type { Stretch } from '#kit/redis/window.ts';
import { merge } from './merge.ts';

const owners = { self: newId(1), pushed: newId(2), famous: newId(3) };

/** A post, and whether the window holds it although it does not have to: what was pulled before a build, own posts that have arrived. */
const post = fc.record({
  atMs: fc.integer({ min: 1, max: 40 }),
  kind: fc.constantFrom<keyof typeof owners>('self', 'pushed', 'famous'),
  inWindow: fc.boolean(),
});
type Post = TimelineEntry & { kind: keyof typeof owners; inWindow: boolean };

const floorAt = (atMs: number | null): Position | undefined => (atMs === null ? undefined : { atMs, id: newId(0) });
const isAbove = (floor: Position | undefined) => (entry: Position) =>
  floor === undefined || newestFirst(entry, floor) < 0;
const isBelow = (before: Position | undefined) => (entry: Position) =>
  before === undefined || newestFirst(before, entry) < 0;

test('however floors lie and pages are cut, each post comes once, in its place', () => {
  const floor = fc.option(fc.integer({ min: 1, max: 40 }));
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      fc.array(post, { maxLength: 60 }),
      floor,
      floor,
      sizes,
      (posts, windowFloor, famousFloor, pageSizes) => {
        const all: Post[] = posts
          .map((one) => ({ ...one, id: newId(one.atMs), ownerId: owners[one.kind] }))
          .sort(newestFirst);
        const stretch = (
          held: (one: Post) => boolean,
          at: number | null,
          before: Position | undefined,
          count: number,
        ): Stretch => ({
          entries: all
            .filter(held)
            .filter(isAbove(floorAt(at)))
            .filter(isBelow(before))
            .slice(0, count),
          floor: floorAt(at),
        });
        const read: TimelineEntry[] = [];
        let before: Position | undefined;
        for (let page = 0; ; page += 1) {
          assert.ok(page <= all.length + 1, 'it ends');
          const count = pageSizes[page % pageSizes.length] ?? 1;
          const window = stretch(({ kind, inWindow }) => kind === 'pushed' || inWindow, windowFloor, before, count);
          const own = stretch(({ kind }) => kind === 'self', null, before, count);
          const famous = stretch(({ kind }) => kind === 'famous', famousFloor, before, count);
          const merged = merge(window, [own, famous], count);
          assert.ok(merged.entries.length <= count);
          const last = merged.entries.at(-1) ?? before;
          const isEnough = !merged.exhausted || merged.entries.length === count;
          // Where the certain part ends, Postgres goes on.
          const isEnd = !isEnough && merged.floor === undefined;
          const rest = isEnough || isEnd ? [] : all.filter(isBelow(last)).slice(0, count - merged.entries.length);
          read.push(...merged.entries, ...rest);
          if (isEnd || (!isEnough && merged.entries.length + rest.length < count)) break;
          before = read.at(-1);
        }
        assert.deepEqual(
          read.map(({ id }) => id),
          all.map(({ id }) => id),
        );
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a window that lacks nothing is given as it is', () => {
  const entries = [3, 2, 1].map((atMs) => ({ atMs, id: newId(atMs), ownerId: owners.pushed }));
  const nothing = { entries: [], floor: undefined };
  assert.equal(merge({ entries, floor: undefined }, [nothing], 9).entries.length, 3);
  assert.deepEqual(merge({ entries, floor: undefined }, [nothing], 3), { entries, floor: undefined, exhausted: false });
});
