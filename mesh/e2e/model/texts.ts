/** Texts that people write, what they name, and what they were before. */
import assert from 'node:assert/strict';
import { Entity } from '#gen/oxo/post/v1/post.ts';
import type { ModelPerson, ModelPost } from './model.ts';
import type { Stage } from './stage.ts';
import type { Person } from './system.ts';

/** A text that no other is like; every third names somebody, of whom the services ask each other. */
export function makeText(number: number, people: readonly ModelPerson[]): string {
  const named = people[number % people.length];
  return `text ${number} #t${number}${number % 3 > 0 || named === undefined ? '' : ` @${named.handle}`}`;
}

/** What a text names. @param people who are there when it is written */
export function entitiesOf(text: string, people: readonly ModelPerson[]): Entity[] {
  return [...text.matchAll(/[#@]\w+/g)].flatMap(({ 0: part, index: start }) => {
    const end = start + part.length;
    const word = part.slice(1);
    if (part.startsWith('#')) return Entity.fromPartial({ start, end, hashtag: { tag: word } });
    const mentioned = people.find(({ handle }) => handle === word);
    return mentioned === undefined ? [] : Entity.fromPartial({ start, end, mention: { userId: mentioned.id } });
  });
}

/** The texts that a post has had, in pages. */
export async function checkRevisions(
  stage: Stage,
  viewer: Person,
  { id, text, entities, formerTexts }: ModelPost,
): Promise<void> {
  const expected = [...formerTexts, { text, entities }].map((former, index) => ({ ...former, number: index + 1 }));
  const shown: Pick<ModelPost, 'text' | 'entities'>[] = [];
  let pageToken = '';
  do {
    const options = stage.system.as(viewer, stage.newRequest());
    const page = await stage.system.posts.listPostRevisions({ id, pageSize: 3, pageToken }, options);
    shown.push(...page.revisions.map(({ number, text, entities }) => ({ text, entities, number })));
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && shown.length <= expected.length);
  assert.deepEqual(shown, expected.toReversed());
}
