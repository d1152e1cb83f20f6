import { createRandom, type Random } from '../../local/client/random.ts';

/** Who follows whom and how much each has written: the same for the same size. People are numbered 0, 1, 2 … */
export type Society = {
  readonly people: number;
  /** By person. */
  readonly followees: readonly (readonly number[])[];
  readonly postCounts: readonly number[];
  /** Those who read and write while it is measured: a tenth, neither more nor less popular than all. */
  readonly active: readonly number[];
};

const seed = 7;
const activeShare = 0.1;
const minFollowees = 8;
const maxFollowees = 500;
/** How many people someone follows has a tail that falls by this power: 20 on average, some follow hundreds. */
const followeeTail = 1.6;
/**
 * Whom they follow: the first x of a hundred in the order of popularity get (x/100)^0.4 of all follows. So half of the people have
 * a dozen followers or fewer, and one in a hundred thousand has more than ten thousand.
 */
const popularityPower = 2.5;
const meanPosts = 5;

export function makeSociety(people: number): Society {
  const random = createRandom(seed);
  // By popularity; the numbers of people say nothing.
  const byRank = random.shuffle([...Array(people).keys()]);
  const followees = Array.from({ length: people }, (_, person) => followeesOf(person, byRank, random));
  const postCounts = Array.from(
    { length: people },
    () => 1 + Math.floor(-Math.log(1 - random.next()) * (meanPosts - 1)),
  );
  const step = Math.round(1 / activeShare);
  const active = byRank.filter((_, rank) => rank % step === step >> 1);
  return { people, followees, postCounts, active };
}

function followeesOf(person: number, byRank: readonly number[], random: Random): number[] {
  const people = byRank.length;
  const drawn = minFollowees / (1 - random.next()) ** (1 / followeeTail);
  const wanted = Math.min(Math.floor(drawn), maxFollowees, Math.floor(people / 4));
  const chosen = new Set<number>();
  // The most popular are drawn again and again; who draws nobody new follows fewer.
  for (let attempt = 0; chosen.size < wanted && attempt < 3 * wanted; attempt += 1) {
    const followee = byRank[Math.floor(people * random.next() ** popularityPower)] ?? 0;
    if (followee !== person) chosen.add(followee);
  }
  return [...chosen];
}

/** By person. */
export function followerCounts({ people, followees }: Society): number[] {
  const counts: number[] = Array(people).fill(0);
  for (const followee of followees.flat()) counts[followee] = (counts[followee] ?? 0) + 1;
  return counts;
}
