/** What one history plays on: its people, what they should see, and how to call the system. */
import type { Position } from '#kit/page-token.ts';
import type { HeldMoment } from './arrivals.ts';
import type { Fate } from './interposer.ts';
import { createModel, type Model, type ModelPost } from './model.ts';
import { createStepClock, type StepClock } from './step-clock.ts';
import { names } from './steps.ts';
import type { Person, System } from './system.ts';
import { makeText } from './texts.ts';

/** Where somebody stopped to read. */
export type Bookmark = { readonly token: string; readonly before: Position | undefined };

export type Stage = {
  readonly system: System;
  readonly model: Model;
  readonly people: readonly Person[];
  readonly clock: StepClock;
  /** What has happened so far, in words. */
  readonly words: string[];
  /** By what is read, and by whom. */
  readonly bookmarks: Map<string, Bookmark>;
  /** By who asks what has arrived since. */
  readonly moments: Map<string, HeldMoment>;
  readonly person: (number: number) => Person;
  /** One of this person's posts that are there, the newest first; undefined when there is none. */
  readonly postOf: (author: Person, number: number) => ModelPost | undefined;
  readonly newText: () => string;
  readonly newName: () => string;
  /** A request id, whose event will have this fate. */
  readonly newRequest: (fate?: Fate) => string;
  /** Requests whose event is consumed. */
  readonly expected: readonly string[];
  /** Ids of all posts that ever were. */
  readonly everyPost: Set<string>;
};

let histories = 0;

export async function openStage(system: System): Promise<Stage> {
  histories += 1;
  const prefix = `history-${histories}`;
  const model = createModel();
  const people = await Promise.all(names.map((name) => system.signUp(name, `${name} 0`)));
  for (const { id, name, handle, etag } of people) model.joined({ id, handle, displayName: `${name} 0`, etag });
  const clock = createStepClock();
  const expected: string[] = [];
  let [requests, texts] = [0, 0];
  const person = (number: number) => people[number % people.length] as Person;
  return {
    ...{ system, model, people, clock, expected, person },
    words: [],
    bookmarks: new Map(),
    moments: new Map(),
    everyPost: new Set(),
    postOf(author, number) {
      const posts = model.postsOf(author.id);
      return posts[number % Math.max(posts.length, 1)];
    },
    newName: () => `name ${++texts}`,
    newText: () => makeText(++texts, model.present()),
    newRequest(fate) {
      const requestId = `${prefix}-${++requests}`;
      if (fate !== undefined) {
        system.interposer.expect(requestId, fate, clock);
        expected.push(requestId);
      }
      return requestId;
    },
  };
}
