import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_TAG_CHARACTERS, normalizeTag } from './hashtags.ts';
import { MAX_OF_A_KIND, scan } from './scan.ts';

/** What is found in a text: each as it is written, by the offsets, and what it stands for. */
function found(text: string): string[] {
  const characters = [...text];
  return scan(text).map(({ start, end, value }) => `${characters.slice(start, end).join('')} ${value}`);
}

/** The texts, and what is found in each. */
function testFound(name: string, cases: Readonly<Record<string, readonly string[]>>): void {
  test(name, () => {
    for (const [text, expected] of Object.entries(cases)) assert.deepEqual(found(text), expected, text);
  });
}

testFound('a mention is @ and a handle, with neither a word before it nor an address behind it', {
  '@ann': ['@ann ann'],
  'Hi @Ann_1, (@bob) "@cy_"! .@dan…': ['@Ann_1 ann_1', '@bob bob', '@cy_ cy_', '@dan dan'],
  'thanks @ann. And @bob: fine - @ann\u2019s': ['@ann ann', '@bob bob', '@ann ann'],
  'well...@ann': ['@ann ann'],
  '👋🏽@ann': ['@ann ann'],
  'to ann@example.com, a.b+c@ann.example or "x y"@example.com': [],
  'a!@ann a.!@exa--mple.com @ann.example.com @ann-marie @ann@elsewhere.example @@ann x@ann é@ann': [],
  'e\u0301@ann 東@ann youtube.com/@ann': [],
  '@ab @': [],
  [`@${'a'.repeat(30)} @${'a'.repeat(31)}`]: [`@${'a'.repeat(30)} ${'a'.repeat(30)}`],
  '@annä @ann\u0301 @ann東': [],
});

testFound('a hashtag has a letter, and ends where no letter, number, mark or _ follows', {
  '#tag #Tag! (#tag_2) #2nd, ＃タグ': ['#tag tag', '#Tag tag', '#tag_2 tag_2', '#2nd 2nd', '＃タグ タグ'],
  '#1 #2026 #_ # #! ## ##tag a#b é#b e\u0301#b 東#b #\u0301a': [],
  '&#39; &#x41; /#a example.com/#a ?q=#a': [],
  'wow!#tag': ['#tag tag'],
  '#a#b #c@ann': ['#a a', '#c c'],
  '#️⃣ 1️⃣#one ❤️#love #love❤️ #👍 #ok👍🏽': ['#one one', '#love love', '#love love', '#ok ok'],
});

testFound('hashtags that look alike have one tag, whatever the form of their Unicode', {
  '#caf\u00e9 #cafe\u0301 #CAFÉ #ｃａｆｅ\u0301': [
    '#caf\u00e9 café',
    '#cafe\u0301 café',
    '#CAFÉ café',
    '#ｃａｆｅ\u0301 café',
  ],
  '#می\u200cخواهم #میخواهم': ['#می\u200cخواهم میخواهم', '#میخواهم میخواهم'],
  '#हिन्दी #क\u094d\u200dष': ['#हिन्दी हिन्दी', '#क\u094d\u200dष क\u094dष'],
  '#ﷺ #İstanbul': ['#ﷺ صلىاللهعليهوسلم', '#İstanbul i\u0307stanbul'],
  // A letter that shows nothing.
  '#\u3164': [],
});

testFound('a link ends before what ends the sentence around it', {
  'see https://oxo.example. Or (http://oxo.example/a_(b)), HTTPS://Oxo.Example/?q=1&r=#x!': [
    'https://oxo.example https://oxo.example',
    'http://oxo.example/a_(b) http://oxo.example/a_(b)',
    'HTTPS://Oxo.Example/?q=1&r=#x HTTPS://Oxo.Example/?q=1&r=#x',
  ],
  '<https://oxo.example/a> "https://oxo.example/b", **https://oxo.example/c**': [
    'https://oxo.example/a https://oxo.example/a',
    'https://oxo.example/b https://oxo.example/b',
    'https://oxo.example/c https://oxo.example/c',
  ],
  '詳細はhttps://例え.example/日本。次': ['https://例え.example/日本 https://例え.example/日本'],
  'http://[::1]/a http://127.0.0.1:8080/b': [
    'http://[::1]/a http://[::1]/a',
    'http://127.0.0.1:8080/b http://127.0.0.1:8080/b',
  ],
  'https://oxo.example\u202ecod.exe': ['https://oxo.example https://oxo.example'],
  'http:// https://nodots http://#tag http://@ann ftp://ann@oxo.example/@ann/#tag oxo.example xhttps://a.b/@ann': [],
  'https://oxo.example@evil.example https://ann:secret@oxo.example/#tag': [],
});

testFound('nothing is found within a link', {
  'https://oxo.example/@ann?x=@bob&to=ann@oxo.example#tag': [
    'https://oxo.example/@ann?x=@bob&to=ann@oxo.example#tag https://oxo.example/@ann?x=@bob&to=ann@oxo.example#tag',
  ],
  [`https://oxo.example/${'a'.repeat(2_029)}/@ann#tag`]: [],
});

test('offsets count code points: beside emoji of several, in text from right to left, in either form of Unicode', () => {
  const at = (text: string) => scan(text).map(({ start, end }) => [start, end]);
  assert.deepEqual(at('👩‍👩‍👧 @ann'), [[6, 10]]);
  assert.deepEqual(at('😀😀#a😀'), [[2, 4]]);
  assert.deepEqual(at('שלום @ann, #שלום'), [
    [5, 9],
    [11, 16],
  ]);
  assert.deepEqual([at('caf\u00e9 #caf\u00e9'), at('cafe\u0301 #cafe\u0301')], [[[5, 10]], [[6, 12]]]);
});

test('the first 50 of each kind count, and tags and links up to their length', () => {
  const text = (count: number) => '@ann #tag https://oxo.example '.repeat(count);
  assert.equal(MAX_OF_A_KIND, 50);
  assert.equal(scan(text(50)).length, 150);
  assert.deepEqual(scan(text(60)), scan(text(50)));
  const tag = 'ä'.repeat(MAX_TAG_CHARACTERS);
  assert.deepEqual(found(`#${tag} #${tag}a`), [`#${tag} ${tag}`]);
  // One character that means eighteen.
  assert.deepEqual(found(`#${'ﷺ'.repeat(7)}`), []);
  const link = `https://oxo.example/${'a'.repeat(2_028)}`;
  assert.equal(link.length, 2_048);
  assert.deepEqual(found(`${link} ${link}a`), [`${link} ${link}`]);
});

/** Texts of what matters to the scan, and of anything. */
const fragment = fc.oneof(
  fc.constantFrom(
    '@',
    '#',
    '＃',
    'http://',
    'HTTPS://',
    '://',
    '@ann',
    '#tag',
    '.',
    '-',
    '_',
    '/',
    ':',
    '(',
    ')',
    ' ',
    '\n',
    '&',
  ),
  fc.constantFrom(
    'a',
    'é',
    'e\u0301',
    '\u200d',
    '\u200c',
    '\ufe0f',
    '\u20e3',
    '1',
    '東',
    'ם',
    'ﷺ',
    '\u3164',
    '😀',
    '👩‍👧',
    '🇩🇪',
    '‮',
  ),
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.emailAddress(),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
);
const texts = fc.array(fragment, { maxLength: 60 }).map((fragments) => fragments.join(''));

test('of any text: offsets are inside, in order, apart, and what stands there is what is named', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const characters = [...text];
      let last = 0;
      for (const { kind, start, end, value } of scan(text)) {
        assert.ok(last <= start && start < end && end <= characters.length);
        last = end;
        const written = characters.slice(start, end).join('');
        if (kind === 'mention') assert.equal(written.toLowerCase(), `@${value}`);
        if (kind === 'hashtag') assert.equal(normalizeTag(written.slice(1)), value);
        if (kind === 'link') assert.equal(written, value);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('of any text: what stands before it and behind it, apart by white space, moves what is found and changes nothing', () => {
  fc.assert(
    fc.property(texts, texts, (one, other) => {
      const offset = [...one].length + 1;
      const moved = scan(other).map((each) => ({ ...each, start: each.start + offset, end: each.end + offset }));
      const counts = (kind: string) => [...scan(one), ...moved].filter((each) => each.kind === kind).length;
      fc.pre(['mention', 'hashtag', 'link'].every((kind) => counts(kind) <= MAX_OF_A_KIND));
      assert.deepEqual(scan(`${one}\n${other}`), [...scan(one), ...moved]);
    }),
    { numRuns: 1_000 },
  );
});

test('nobody is mentioned by an e-mail address', () => {
  fc.assert(
    fc.property(fc.emailAddress(), (address) => {
      const kinds = scan(`to ${address}, <${address}>`).map(({ kind }) => kind);
      assert.ok(!kinds.includes('mention'));
    }),
    { numRuns: 2_000 },
  );
});

test('a URL is one link and nothing else', () => {
  const urls = fc.webUrl({ withFragments: true, withQueryParameters: true, size: 'medium' });
  fc.assert(
    fc.property(urls, (url) => {
      const [link, ...others] = scan(`«${url}»`);
      assert.equal(link?.kind, 'link');
      assert.ok(url.startsWith(link.value) && /^[.,:;!?'*_~)\]}]*$/.test(url.slice(link.value.length)));
      assert.deepEqual(others, []);
    }),
    { numRuns: 1_000 },
  );
});

test('a tag is its own tag', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (written) => {
      const tag = normalizeTag(written);
      if (tag !== undefined) assert.equal(normalizeTag(tag), tag);
    }),
    { numRuns: 5_000 },
  );
});

test('a text is read in time that grows with its length', { timeout: 60_000 }, () => {
  // Forty times what a post may be: what reads some of it again for each character does not come to an end.
  const characters = 200_000;
  const units = [
    '@',
    '#',
    '@ann',
    '@aaa.',
    'a!@',
    '@ann-',
    '#a',
    '#a#',
    '#1',
    '#a\u200d',
    '#\u0301',
    '&#',
    '://',
    'a://',
    'http://',
  ];
  const urls = [
    'https://oxo.example/a ',
    'https://oxo.example/(',
    'https://oxo.example/)',
    'http://a.b/].',
    'h',
    ':',
    '/',
    '😀#',
  ];
  for (const unit of [...units, ...urls]) scan(unit.repeat(Math.ceil(characters / unit.length)));
  for (const [head, unit] of [
    ['#', 'a'],
    ['#', '\u0301'],
    ['https://oxo.example/', ')'],
    ['https://oxo.example/', '.'],
    ['@', 'a'],
    ['#a', '\u200da'],
  ] as const) {
    scan(`@${head}${unit.repeat(characters)}`);
  }
});
