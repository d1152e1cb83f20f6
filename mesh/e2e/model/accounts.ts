/** People as others see them: in lists, and no more once they are gone. */
import assert from 'node:assert/strict';
import type { UserSummary } from '#gen/oxo/user/v1/user.ts';
import { refused } from '#kit/testing/refused.ts';
import { requireEqual } from './checks.ts';
import type { Stage } from './stage.ts';
import type { Person } from './system.ts';

/** Posts of somebody who is gone that are looked for, the newest. */
const maxSought = 3;

/** Whose account is deleted is gone from every answer, and so is all that was theirs; their token is refused. */
export async function checkGone(stage: Stage, person: Person): Promise<void> {
  const { system, model, people } = stage;
  const viewer = people.find(({ id }) => !model.isGone(id));
  const options = () => (viewer === undefined ? undefined : system.as(viewer, stage.newRequest()));
  const { id, handle } = person;
  await Promise.all([
    ...[
      system.users.getUser({ id }, options()),
      system.users.getUserByHandle({ handle }, options()),
      system.users.listFollowers({ id }, options()),
      system.users.listFollowing({ id }, options()),
      system.posts.listUserPosts({ userId: id }, options()),
    ].map((call) => assert.rejects(call, refused('USER_NOT_FOUND'))),
    ...model
      .postsBefore(id)
      .slice(0, maxSought)
      .map((post) => assert.rejects(system.posts.getPost({ id: post }, options()), refused('POST_NOT_FOUND'))),
    assert.rejects(system.feeds.getFeed({}, system.as(person, stage.newRequest())), refused('SESSION_REVOKED')),
  ]);
}

/** Who follows somebody and whom they follow, all pages: in which order is luck where follows have met. */
export async function checkPeople(stage: Stage, viewer: Person, person: Person, pageSize: number): Promise<void> {
  const { system, model } = stage;
  for (const [title, list, expected] of [
    ['followers', 'listFollowers', model.followers(person.id)],
    ['following', 'listFollowing', model.following(person.id)],
  ] as const) {
    const shown: UserSummary[] = [];
    let pageToken = '';
    for (let pages = 0; pages === 0 || pageToken !== ''; pages += 1) {
      assert.ok(pages <= expected.length, 'the pages come to an end');
      const request = { id: person.id, pageSize, pageToken };
      const { users, nextPageToken } = await system.users[list](request, system.as(viewer, stage.newRequest()));
      assert.ok(users.length === pageSize || nextPageToken === '', 'only the last page is short');
      shown.push(...users);
      pageToken = nextPageToken;
    }
    const described = expected.map((id) => {
      const { handle, displayName } = model.person(id);
      return { id, handle, displayName };
    });
    requireEqual(`${title} of ${person.name}`, byId(shown), byId(described));
  }
}

const byId = (users: readonly UserSummary[]): UserSummary[] => users.toSorted((a, b) => (a.id < b.id ? -1 : 1));
