import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Metadata } from 'nice-grpc-common';
import { UserUpdated } from '#gen/oxo/user/v1/user_events.ts';
import type { OxoError } from '#kit/errors.ts';
import { newId } from '#kit/ids.ts';
import { isRefused, refused } from '#kit/testing/refused.ts';
import { publishedProfile } from '../testing/profiles.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
before(async () => {
  service = await startUserService();
});
after(() => service.close());

const eventsOf = async (id: string) =>
  (await service.events()).filter(
    ({ subject, payload }) => subject === 'user.updated' && UserUpdated.decode(payload).user?.id === id,
  );

const everything = {
  displayName: 'Ann Lee',
  bio: 'Likes “quotes”, back\\slashes,\n{braces} and 🦊',
  links: ['https://example.org/a?b={c,"d"}', 'http://müller.example/ü'],
  location: 'Huế',
  locale: 'vi-VN',
};

test('all fields are changed, announced and published in Redis', async () => {
  const ann = await service.addUser('ann');
  const { user } = await service.as(ann).updateMe(everything);
  assert.ok(user);
  assert.deepEqual(user.relationship, { following: false, followedBy: false });
  const { displayName, bio, links, location, locale } = user;
  assert.deepEqual({ displayName, bio, links, location, locale }, everything);
  assert.deepEqual((await service.as(ann).getMe({})).user, user);
  const [event, ...others] = await eventsOf(ann);
  assert.ok(event);
  assert.deepEqual(others, []);
  assert.deepEqual(UserUpdated.decode(event.payload).user, { ...user, relationship: undefined, etag: '' });
  assert.deepEqual(await publishedProfile(service, ann), {
    version: event.version,
    summary: { id: ann, handle: 'ann', displayName: 'Ann Lee' },
  });
});

test('fields that are absent stay, empty ones are cleared', async () => {
  const ann = await service.addUser();
  await service.as(ann).updateMe(everything);
  const { user: kept } = await service.as(ann).updateMe({ location: 'Paris' });
  assert.equal(kept?.bio, everything.bio);
  assert.deepEqual(kept.links, everything.links);
  assert.equal(kept.location, 'Paris');
  const { user } = await service.as(ann).updateMe({ displayName: '', bio: '', links: [], location: '', locale: '' });
  assert.deepEqual([user?.displayName, user?.bio, user?.links, user?.location, user?.locale], ['', '', [], '', '']);
});

test('a request without fields, or with what is there, changes nothing and announces nothing', async () => {
  const ann = await service.addUser();
  const { user } = await service.as(ann).updateMe({});
  assert.deepEqual(user, (await service.as(ann).getMe({})).user);
  assert.deepEqual(await eventsOf(ann), []);
  const { user: updated } = await service.as(ann).updateMe(everything);
  for (const [field, value] of Object.entries(everything)) {
    assert.deepEqual((await service.as(ann).updateMe({ [field]: value })).user, updated);
  }
  assert.deepEqual((await service.as(ann).updateMe(everything)).user, updated);
  assert.equal((await eventsOf(ann)).length, 1);
});

test('changes of different fields at once are all kept, and versions grow as the state does', async () => {
  const ann = await service.addUser();
  const changes = [{ bio: 'b' }, { location: 'l' }, { locale: 'en' }, { links: ['https://l.example'] }];
  await Promise.all([...changes, ...changes, ...changes].map((change) => service.as(ann).updateMe(change)));
  const { user } = await service.as(ann).getMe({});
  assert.deepEqual([user?.bio, user?.location, user?.locale, user?.links], ['b', 'l', 'en', ['https://l.example']]);
  const events = await eventsOf(ann);
  const newest = events.at(-1);
  assert.ok(newest);
  assert.deepEqual(UserUpdated.decode(newest.payload).user, { ...user, relationship: undefined, etag: '' });
  assert.equal((await publishedProfile(service, ann))?.version, newest.version);
});

test('the greatest values are taken', async () => {
  const ann = await service.addUser();
  const link = `https://e.example/${'x'.repeat(300 - 18)}`;
  const greatest = {
    displayName: '🦊'.repeat(60),
    bio: '🦊'.repeat(500),
    location: '🦊'.repeat(60),
    links: [link, link, link, link, link],
    locale: 'en-Latn-US-x-abcdefgh-abcdefgh-abcd',
  };
  assert.equal(greatest.locale.length, 35);
  const { user } = await service.as(ann).updateMe(greatest);
  assert.equal(user?.bio, greatest.bio);
});

test('all that is wrong is named at once, and nothing changes', async () => {
  const ann = await service.addUser();
  const before = (await service.as(ann).getMe({})).user;
  const request = {
    displayName: 'x'.repeat(61),
    bio: 'a\u0000b',
    links: [
      'https://fine.example',
      'ftp://no.example',
      7,
      'javascript:alert(1)',
      'https://bank.example:pw@evil.example',
    ],
    location: '\u{1F98A}'.repeat(61),
    locale: 'not a language',
  };
  await assert.rejects(
    service.as(ann).updateMe(request),
    refused(
      'VALIDATION_FAILED',
      { field: 'displayName', description: 'must be at most 60 characters' },
      { field: 'bio', description: 'must not contain U+0000' },
      { field: 'links.1', description: 'must be an http or https URL' },
      { field: 'links.2', description: 'must be a string' },
      { field: 'links.3', description: 'must be an http or https URL' },
      { field: 'links.4', description: 'must not contain a user name or a password' },
      { field: 'location', description: 'must be at most 240 bytes of UTF-8' },
      { field: 'locale', description: 'must be a BCP 47 language tag of at most 35 characters' },
    ),
  );
  assert.deepEqual((await service.as(ann).getMe({})).user, before);
  assert.deepEqual(await eventsOf(ann), []);
});

test('each bad value is refused', async () => {
  const ann = await service.addUser();
  const bad: Record<string, unknown>[] = [
    { displayName: 'a\u0000' },
    ...['\u200b', '\ufe0f', '\u00ad', '\u202e\u2066', ' \u2060 ', '  '].map((displayName) => ({ displayName })),
    ...['a\r\nb', 'a\u202eb'].flatMap((line) => [{ displayName: line }, { location: line }]),
    { links: ['https://user@example.org'] },
    { bio: 'x'.repeat(501) },
    { bio: '\u{1F98A}'.repeat(501) },
    { location: 'x'.repeat(61) },
    { links: Array.from({ length: 6 }, () => 'https://l.example') },
    { links: Array.from({ length: 10_000 }, () => '') },
    { links: [''] },
    { links: [null] },
    { links: [{}] },
    { links: [['https://l.example']] },
    { links: ['https://l.example\u0000'] },
    { links: [' https://l.example'] },
    { links: ['https://l.example/a\nb'] },
    { links: ['example.org'] },
    { links: ['//example.org'] },
    { links: ['https://'] },
    { links: [`https://l.example/${'x'.repeat(300)}`] },
    { links: [`https://l.example/${'ü'.repeat(150)}`] },
    { locale: 'x' },
    { locale: 'en_US' },
    { locale: 'en\u0000' },
    { locale: 'en-Latn-US-x-abcdefgh-abcdefgh-abcde' },
  ];
  for (const request of bad) {
    await assert.rejects(service.as(ann).updateMe(request), (error: OxoError) => {
      refused('VALIDATION_FAILED')(error);
      assert.equal(error.fields[0]?.field.split('.')[0], Object.keys(request)[0]);
      return true;
    });
  }
});

test('who has no token, no scope or no profile changes nothing', async () => {
  const ann = await service.addUser();
  await assert.rejects(service.as().updateMe({ bio: 'x' }), refused('TOKEN_MISSING'));
  const token = await service.issuer.userToken(ann, { scope: 'profile:read' });
  await assert.rejects(service.withToken(token).updateMe({ bio: 'x' }), refused('SCOPE_MISSING'));
  await assert.rejects(service.as(newId(1)).updateMe({ bio: 'x' }), refused('USER_NOT_FOUND'));
  await assert.rejects(service.as(newId(1)).updateMe({}), refused('USER_NOT_FOUND'));
});

const withIfMatch = (ifMatch: string) => ({ metadata: Metadata({ 'if-match': ifMatch }) });

async function etagOfMe(id: string): Promise<string> {
  return (await service.as(id).getMe({})).user?.etag ?? '';
}

test('with the etag of the present state a profile is changed, and the answer tells the new one', async () => {
  const ann = await service.addUser();
  const sent: (string | undefined)[] = [];
  const onHeader = (header: Metadata) => void sent.push(header.get('etag'));
  let etag = await etagOfMe(ann);
  assert.match(etag, /^"[\w-]+"$/);
  for (const [index, condition] of [
    (right: string) => ({ options: withIfMatch(right), field: '' }),
    (right: string) => ({ options: withIfMatch(`"other", ${right}`), field: '' }),
    (right: string) => ({ options: withIfMatch(right), field: right }),
    (right: string) => ({ options: {}, field: right }),
    () => ({ options: withIfMatch('*'), field: '' }),
  ].entries()) {
    const { options, field } = condition(etag);
    const { user } = await service.as(ann).updateMe({ bio: `bio ${index}`, etag: field }, { ...options, onHeader });
    assert.ok(user);
    assert.notEqual(user.etag, etag);
    assert.deepEqual(sent.splice(0), [user.etag]);
    etag = user.etag;
  }
  assert.equal((await eventsOf(ann)).length, 5);
  const unchanged = await service.as(ann).updateMe({ bio: 'bio 4' }, { ...withIfMatch(etag), onHeader });
  assert.deepEqual([unchanged.user?.etag, ...sent], [etag, etag]);
});

test('with another etag, a weak one or what is none nothing changes', async () => {
  const ann = await service.addUser();
  const old = await etagOfMe(ann);
  const { user: present } = await service.as(ann).updateMe({ bio: 'second' });
  assert.ok(present);
  const published = await publishedProfile(service, ann);
  const update = (ifMatch: string | undefined, fields: object = {}) =>
    service.as(ann).updateMe({ displayName: 'Third', ...fields }, ifMatch === undefined ? {} : withIfMatch(ifMatch));
  await assert.rejects(update(old), refused('ETAG_MISMATCH'));
  await assert.rejects(update(old, { displayName: present.displayName }), refused('ETAG_MISMATCH'));
  await assert.rejects(service.as(ann).updateMe({}, withIfMatch(old)), refused('ETAG_MISMATCH'));
  await assert.rejects(update(`W/${present.etag}`), refused('ETAG_MISMATCH'));
  await assert.rejects(update(undefined, { etag: old }), refused('ETAG_MISMATCH'));
  await assert.rejects(update(present.etag, { etag: old }), refused('ETAG_MISMATCH'));
  await assert.rejects(update('unquoted'), refused('VALIDATION_FAILED', 'If-Match'));
  await assert.rejects(update(undefined, { etag: 'e'.repeat(65) }), refused('VALIDATION_FAILED', 'etag'));
  await assert.rejects(service.as(newId(1)).updateMe({ bio: 'x' }, withIfMatch(old)), refused('USER_NOT_FOUND'));
  assert.deepEqual((await service.as(ann).getMe({})).user, present);
  assert.deepEqual(await publishedProfile(service, ann), published);
  assert.equal((await eventsOf(ann)).length, 1);
});

test('of those who change the same state one is done, and the others are told', async () => {
  const ann = await service.addUser();
  const etag = await etagOfMe(ann);
  const changes = Array.from({ length: 6 }, (_, index) =>
    service.as(ann).updateMe({ bio: `change ${index}` }, withIfMatch(etag)),
  );
  const refusals = await Promise.all(changes.map((change) => isRefused(change, 'ETAG_MISMATCH')));
  assert.equal(refusals.filter(Boolean).length, 5);
  const [event, ...others] = await eventsOf(ann);
  assert.ok(event);
  assert.deepEqual(others, []);
  assert.equal(UserUpdated.decode(event.payload).user?.bio, (await service.as(ann).getMe({})).user?.bio);
});

test('follows, from either side, leave the etag as it is', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  const etag = await etagOfMe(ann);
  await service.as(ann).follow({ id: bob });
  await service.as(bob).follow({ id: ann });
  const { user } = await service.as(ann).updateMe({ bio: 'x' }, withIfMatch(etag));
  assert.deepEqual([user?.followersCount, user?.followingCount], [1, 1]);
  await service.as(bob).unfollow({ id: ann });
  assert.equal(await etagOfMe(ann), user?.etag);
});
