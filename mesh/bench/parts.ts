/** What a run is made of. A part can be run by itself. */
export type PartName = 'reads' | 'keys' | 'writes' | 'mixed' | 'visible' | 'half-load' | 'fan-out' | 'growth';

export type Part = {
  readonly name: PartName;
  readonly summary: string;
  /** About how long it takes with the defaults, on two cores that are otherwise idle. */
  readonly seconds: number;
};

/** In the order in which they run: a later one uses what an earlier one has found out. */
export const parts: readonly Part[] = [
  { name: 'reads', summary: 'GET /feed beside a bare echo of the same page behind the same Envoy', seconds: 50 },
  { name: 'keys', summary: 'GET /feed by API keys and by tokens, in turn', seconds: 20 },
  { name: 'writes', summary: 'POST /posts until 20 followers have each post', seconds: 30 },
  { name: 'mixed', summary: 'nine reads to one post on the same connections', seconds: 15 },
  { name: 'visible', summary: 'time until a follower sees a post, while nothing else happens', seconds: 20 },
  {
    name: 'half-load',
    summary: 'the same while reads and posts each come at a quarter of their full rate',
    seconds: 25,
  },
  { name: 'fan-out', summary: 'posts by people whom everyone follows, held at a constant rate', seconds: 20 },
  { name: 'growth', summary: 'reads and posts in stacks of their own with 1,000 and 10,000 people', seconds: 110 },
];

/** Before the first part that needs the running stack: people sign up, read, and fall silent. */
export const crowdSeconds = 60;
