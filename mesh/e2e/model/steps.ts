/** What may happen in a history, and how histories are made up. */
import fc from 'fast-check';
import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import type { Fate } from './interposer.ts';

export const names = ['ann', 'bob', 'cem', 'dee'] as const;

/** People and posts are numbers that are taken modulo those that there are; a step without its post does nothing. */
export type Step =
  | { do: 'post'; who: number; visibility: Post_Visibility; fate: Fate; isRepeated: boolean }
  | { do: 'postMany'; who: number }
  | { do: 'edit'; who: number; which: number; visibility: Post_Visibility | undefined; ifMatch: IfMatch }
  | { do: 'delete'; who: number; which: number; ifMatch: IfMatch }
  | { do: 'follow'; who: number; whom: number }
  | { do: 'unfollow'; who: number; whom: number }
  | { do: 'rename'; who: number; ifMatch: IfMatch }
  | { do: 'leave'; who: number }
  | { do: 'readFeed'; who: number; pageSize: number }
  | { do: 'readOn'; who: number; pageSize: number }
  | { do: 'askSince'; who: number; pageSize: number; isKept: boolean }
  | { do: 'readList'; who: number; whom: number; pageSize: number; goOn: boolean }
  | { do: 'readPublic'; who: number; pageSize: number; goOn: boolean }
  | { do: 'readPeople'; who: number; whom: number; pageSize: number }
  | { do: 'look'; who: number; whom: number; which: number }
  | { do: 'lose'; what: Lost; who: number }
  | { do: 'restartRedis' };

/** Whether a change says which state of the post, or of the profile, it is meant for, and whether that is still its state. */
export type IfMatch = 'absent' | 'current' | 'stale';

export type Lost =
  | 'window'
  | 'log'
  | 'posts'
  | 'profile'
  | 'followees'
  | 'followers'
  | 'recent'
  | 'pulled'
  | 'everything';

/** One step, or several at the same time. */
export type Moment = readonly Step[];

/** Posts of `postMany`: with a few more a window of these tests overflows and is cut. */
export const manyPosts = 58;

const person = fc.nat(names.length - 1);
const which = fc.nat(5);
const pageSize = fc.oneof(
  { arbitrary: fc.integer({ min: 1, max: 5 }), weight: 4 },
  { arbitrary: fc.constant(100), weight: 1 },
);
const visibility = fc.constantFrom(Post_Visibility.PUBLIC, Post_Visibility.FOLLOWERS);
const ifMatch = fc.constantFrom<IfMatch>('absent', 'absent', 'current', 'stale');
const fate: fc.Arbitrary<Fate> = fc.record({
  heldFor: fc.oneof({ arbitrary: fc.constant(0), weight: 2 }, { arbitrary: fc.nat(8), weight: 3 }),
  again: fc.array(fc.nat(8), { maxLength: 2 }),
  fails: rarely(12),
});

const post = fc.record({ do: fc.constant('post' as const), who: person, visibility, fate, isRepeated: rarely(8) });
const edit = fc.record({
  do: fc.constant('edit' as const),
  who: person,
  which,
  visibility: fc.option(visibility, { nil: undefined }),
  ifMatch,
});
const remove = fc.record({ do: fc.constant('delete' as const), who: person, which, ifMatch });
const follow = fc.record({ do: fc.constant('follow' as const), who: person, whom: person });
const unfollow = fc.record({ do: fc.constant('unfollow' as const), who: person, whom: person });
const rename = fc.record({ do: fc.constant('rename' as const), who: person, ifMatch });
const leave = fc.record({ do: fc.constant('leave' as const), who: person });
const readFeed = fc.record({ do: fc.constant('readFeed' as const), who: person, pageSize });
const readOn = fc.record({ do: fc.constant('readOn' as const), who: person, pageSize });
const arrivals = fc.oneof(
  { arbitrary: fc.integer({ min: 1, max: 5 }), weight: 1 },
  { arbitrary: fc.constant(100), weight: 3 },
);
/** Who keeps the moment asks from it again, as one does whose answer was lost. */
const askSince = fc.record({
  do: fc.constant('askSince' as const),
  who: person,
  pageSize: arrivals,
  isKept: rarely(5),
});
const readList = fc.record({
  do: fc.constant('readList' as const),
  ...{ who: person, whom: person, pageSize, goOn: fc.boolean() },
});
const readPublic = fc.record({ do: fc.constant('readPublic' as const), who: person, pageSize, goOn: fc.boolean() });
const readPeople = fc.record({ do: fc.constant('readPeople' as const), who: person, whom: person, pageSize });
const look = fc.record({ do: fc.constant('look' as const), who: person, whom: person, which });
const lost = fc.constantFrom<Lost>(
  ...(['window', 'log', 'posts', 'profile', 'followees', 'followers', 'recent', 'pulled', 'everything'] as const),
);
const lose = fc.record({ do: fc.constant('lose' as const), what: lost, who: person });
const postMany = fc.record({ do: fc.constant('postMany' as const), who: person });
const restartRedis = fc.record({ do: fc.constant('restartRedis' as const) });

const single: fc.Arbitrary<Step> = fc.oneof(
  ...weighted([
    [post, 70],
    [edit, 20],
    [remove, 15],
    [follow, 45],
    [unfollow, 15],
    [rename, 5],
    [readFeed, 75],
    [readOn, 30],
    [askSince, 50],
    [readList, 15],
    [readPublic, 10],
    [readPeople, 10],
    [look, 15],
    [lose, 25],
    [leave, 3],
    [postMany, 1],
    [restartRedis, 1],
  ]),
);
/** What may meet. Keys are lost only between: a tombstone that goes while a reader is under way is no eviction that happens. */
const meeting: fc.Arbitrary<Step> = fc.oneof(
  post,
  edit,
  remove,
  follow,
  unfollow,
  rename,
  readFeed,
  readFeed,
  askSince,
);
const moment: fc.Arbitrary<Moment> = fc.oneof(
  { arbitrary: single.map((step) => [step]), weight: 5 },
  { arbitrary: fc.array(meeting, { minLength: 2, maxLength: 4 }), weight: 1 },
);

/** Histories that shrink to the fewest moments that still show a fault. */
export const histories: fc.Arbitrary<readonly Moment[]> = fc.array(moment, { maxLength: 45, size: 'max' });

const calm: fc.Arbitrary<Step> = fc.oneof(
  ...weighted([
    [post, 50],
    [edit, 5],
    [remove, 5],
    [readFeed, 15],
    [askSince, 60],
    [lose, 2],
    [follow, 2],
    [unfollow, 1],
  ]),
);
/** First all find each other, then they post and ask: what they follow changes seldom, so most answers tell what has arrived since. */
export const calmHistories: fc.Arbitrary<readonly Moment[]> = fc
  .tuple(
    fc.array(
      follow.map((step) => [step]),
      { minLength: 8, maxLength: 12 },
    ),
    fc.array(
      calm.map((step) => [step]),
      { minLength: 15, maxLength: 35, size: 'max' },
    ),
  )
  .map(([begin, rest]) => [...begin, ...rest]);

function rarely(oneIn: number): fc.Arbitrary<boolean> {
  return fc.nat(oneIn - 1).map((number) => number === oneIn - 1);
}

function weighted(table: readonly (readonly [fc.Arbitrary<Step>, number])[]) {
  return table.map(([arbitrary, weight]) => ({ arbitrary, weight }));
}
