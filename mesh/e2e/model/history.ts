/** Plays one history on the system and on the model, step by step. */
import { OxoError } from '#kit/errors.ts';
import { checkGone, checkPeople } from './accounts.ts';
import { checkAllArrivals, checkArrivals } from './arrivals.ts';
import type { Fate } from './interposer.ts';
import { beginning, checkAll, checkFeed, checkFeeds, checkList, checkPerson, checkPost, checkPublic } from './reads.ts';
import { openStage, type Stage } from './stage.ts';
import type { Lost, Moment, Step } from './steps.ts';
import type { Person, System } from './system.ts';
import { type Act, writes } from './writes.ts';

/** Something that the system showed and the model did not, with all that led to it. */
class MismatchError extends Error {
  override name = 'MismatchError';
}

/** On a machine that is out of breath a history is played again, at most so often. */
const maxTries = 10;

/**
 * Plays it on people of its own. When a process lost Redis by itself meanwhile, or a call took too long, what went wrong says
 * nothing of the system, and it is played anew.
 * @throws MismatchError
 */
export async function playHistory(system: System, history: readonly Moment[]): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const startedMs = performance.now();
    try {
      await playOnce(system, history);
      return;
    } catch (error) {
      const { cause } = error as Error;
      const isOutOfBreath = cause instanceof OxoError && ['UNAVAILABLE', 'DEADLINE_EXCEEDED'].includes(cause.reason);
      if (tries === maxTries || !(isOutOfBreath || system.wasDisturbedSince(startedMs))) throw error;
    }
  }
}

async function playOnce(system: System, history: readonly Moment[]): Promise<void> {
  const stage = await system.gate.pass(() => openStage(system));
  try {
    for (const moment of history) {
      stage.clock.advance();
      await play(stage, moment);
    }
    await settle(stage);
  } catch (error) {
    const lines = stage.words.map((words, index) => `  ${index + 1}. ${words}`);
    throw new MismatchError(`${lines.join('\n')}\n${(error as Error).message}`, { cause: error });
  } finally {
    stage.clock.end();
    system.interposer.forget(stage.expected);
  }
}

async function play(stage: Stage, moment: Moment): Promise<void> {
  const { gate, restartRedis } = stage.system;
  const [only] = moment;
  if (moment.length === 1 && only?.do === 'restartRedis') {
    stage.words.push('Redis is killed and starts again');
    return gate.alone(restartRedis);
  }
  return gate.pass(async () => {
    const isMeeting = moment.length > 1;
    const acts = withoutConflicts(moment.flatMap((step) => prepare(stage, step, isMeeting) ?? []));
    if (acts.length > 0) stage.words.push(acts.map(({ words }) => words).join('; at the same time '));
    const changes = await Promise.all(acts.map(({ call }) => call()));
    for (const change of changes) change();
  });
}

/** Of acts that change the same thing the first; who wins would be luck. */
function withoutConflicts(acts: readonly Act[]): Act[] {
  const touched = new Set<string>();
  return acts.filter(({ touches }) => {
    const isFree = touches.every((thing) => !touched.has(thing));
    for (const thing of touches) touched.add(thing);
    return isFree;
  });
}

/** @returns undefined when there is nothing to do it to */
function prepare(stage: Stage, step: Step, isMeeting: boolean): Act | undefined {
  // Who is gone does nothing any more; what others keep of them may be lost as before.
  if ('who' in step && step.do !== 'lose' && stage.model.isGone(stage.person(step.who).id)) return undefined;
  switch (step.do) {
    case 'post':
      return writes.post(stage, step);
    case 'postMany':
      return writes.postMany(stage, step);
    case 'edit':
      return writes.edit(stage, step);
    case 'delete':
      return writes.delete(stage, step);
    case 'follow':
      return writes.follow(stage, step);
    case 'unfollow':
      return writes.unfollow(stage, step);
    case 'rename':
      return writes.rename(stage, step);
    case 'leave':
      return writes.leave(stage, step);
    case 'readFeed':
      return readAct(stage, step, isMeeting);
    case 'readOn':
      return readAct(stage, step, isMeeting);
    case 'askSince':
      return sinceAct(stage, step, isMeeting);
    case 'readList':
      return listAct(stage, step);
    case 'readPublic':
      return publicAct(stage, step);
    case 'readPeople':
      return peopleAct(stage, step);
    case 'look':
      return lookAct(stage, step);
    case 'lose':
      return loseAct(stage, step.what, stage.person(step.who));
    case 'restartRedis':
      throw new Error('Redis restarts alone');
  }
}

function readAct(stage: Stage, step: Extract<Step, { do: 'readFeed' | 'readOn' }>, isMeeting: boolean) {
  const viewer = stage.person(step.who);
  const key = `feed ${viewer.id}`;
  const from = step.do === 'readFeed' ? beginning : stage.bookmarks.get(key);
  if (from === undefined) return undefined;
  const words = step.do === 'readFeed' ? 'reads' : 'reads on,';
  return act(`${viewer.name} ${words} ${step.pageSize} posts of the feed`, async () => {
    const rest = await checkFeed(stage, viewer, from, step.pageSize, isMeeting);
    if (rest === undefined) stage.bookmarks.delete(key);
    else stage.bookmarks.set(key, rest);
  });
}

function sinceAct(stage: Stage, { who, pageSize, isKept }: Extract<Step, { do: 'askSince' }>, isMeeting: boolean) {
  const viewer = stage.person(who);
  const words = `${viewer.name} asks for ${pageSize} posts that have arrived${isKept ? ', and will ask again' : ''}`;
  return act(words, async () => {
    const moment = await checkArrivals(stage, viewer, { pageSize, isMeeting });
    if (!isKept || !stage.moments.has(viewer.id)) stage.moments.set(viewer.id, moment);
  });
}

function publicAct(stage: Stage, step: Extract<Step, { do: 'readPublic' }>) {
  const viewer = stage.person(step.who);
  const key = `public ${viewer.id}`;
  const from = (step.goOn ? stage.bookmarks.get(key) : undefined) ?? beginning;
  const words = from === beginning ? 'reads' : 'reads on,';
  return act(`${viewer.name} ${words} ${step.pageSize} posts of the public feed`, async () => {
    const rest = await checkPublic(stage, viewer, from, step.pageSize);
    if (rest === undefined) stage.bookmarks.delete(key);
    else stage.bookmarks.set(key, rest);
  });
}

function peopleAct(stage: Stage, step: Extract<Step, { do: 'readPeople' }>) {
  const [viewer, person] = [stage.person(step.who), stage.person(step.whom)];
  if (stage.model.isGone(person.id)) return goneAct(stage, viewer, person);
  return act(`${viewer.name} reads who follows ${person.name} and whom ${person.name} follows`, () =>
    checkPeople(stage, viewer, person, step.pageSize),
  );
}

function goneAct(stage: Stage, viewer: Person, person: Person) {
  return act(`${viewer.name} looks for ${person.name}, who is gone`, () => checkGone(stage, person));
}

function listAct(stage: Stage, step: Extract<Step, { do: 'readList' }>) {
  const [viewer, author] = [stage.person(step.who), stage.person(step.whom)];
  if (stage.model.isGone(author.id)) return goneAct(stage, viewer, author);
  const key = `list ${viewer.id} ${author.id}`;
  const from = (step.goOn ? stage.bookmarks.get(key) : undefined) ?? beginning;
  const words = from === beginning ? 'reads' : 'reads on,';
  return act(`${viewer.name} ${words} ${step.pageSize} posts of ${author.name}`, async () => {
    const rest = await checkList(stage, viewer, author, from, step.pageSize);
    if (rest === undefined) stage.bookmarks.delete(key);
    else stage.bookmarks.set(key, rest);
  });
}

function lookAct(stage: Stage, step: Extract<Step, { do: 'look' }>) {
  const [viewer, person] = [stage.person(step.who), stage.person(step.whom)];
  if (stage.model.isGone(person.id)) return goneAct(stage, viewer, person);
  const post = stage.postOf(person, step.which);
  const what = post === undefined ? '' : ` and "${post.text}"`;
  return act(`${viewer.name} looks at ${person.name}${what}`, async () => {
    await checkPerson(stage, viewer, person);
    if (post !== undefined) await checkPost(stage, viewer, post);
  });
}

function loseAct(stage: Stage, what: Lost, person: Person) {
  const words = what === 'everything' ? 'everything' : what === 'posts' ? 'all posts' : `the ${what} of ${person.name}`;
  return act(`Redis loses ${words}`, () => lose(stage, what, person));
}

/** One's own posts go only with the window: they live for a day, and bridge the moments until the event has been handled. */
async function lose({ system, people, everyPost }: Stage, what: Lost, person: Person): Promise<void> {
  const everybody = people.map(({ id }) => id);
  const loss: Record<Lost, readonly (readonly [string, readonly string[]])[]> = {
    window: ['feed', 'arr', 'own'].map((prefix) => [prefix, [person.id]] as const),
    log: [['arr', [person.id]]],
    posts: [['post', [...everyPost]]],
    profile: [['profile', [person.id]]],
    followees: [['fver', [person.id]]],
    followers: [['aver', [person.id]]],
    recent: [['recent', [person.id]]],
    pulled: [['pulled', [person.id]]],
    everything: [
      ...['feed', 'arr', 'own', 'fver', 'aver', 'profile', 'recent', 'pulled'].map(
        (prefix) => [prefix, everybody] as const,
      ),
      ['post', [...everyPost]],
    ],
  };
  await Promise.all(loss[what].map(([prefix, ids]) => system.lose(prefix, ids)));
}

/** Once all events are through, every page is what the model says, with Redis as it is and without what it holds. */
async function settle(stage: Stage): Promise<void> {
  const { system, clock, expected, words } = stage;
  clock.end();
  await system.interposer.settled(expected);
  words.push('all events are through');
  await system.gate.pass(() => checkAllArrivals(stage));
  await system.gate.pass(() => checkAll(stage, 4));
  await system.gate.pass(() => lose(stage, 'everything', stage.person(0)));
  words.push('Redis has lost everything');
  await system.gate.pass(() => checkFeeds(stage, 7));
}

function act(words: string, call: () => Promise<void>): Act {
  return {
    words,
    touches: [],
    async call() {
      await call();
      return () => undefined;
    },
  };
}

/** The same history with a fault: the events of these posts are lost. */
export function withLostEvents(history: readonly Moment[], isLost: (post: number) => boolean): readonly Moment[] {
  let posts = 0;
  return history.map((moment) =>
    moment.map((step) => {
      if (step.do !== 'post') return step;
      posts += 1;
      const fate: Fate = { ...step.fate, isLost: isLost(posts) };
      return { ...step, fate };
    }),
  );
}
