import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normaliseEmail } from './email.ts';

test('spellings of one address become one', () => {
  for (const [text, email] of [
    [' Somebody@Example.ORG ', 'somebody@example.org'],
    ['first.last+tag@mail.example.co.uk', 'first.last+tag@mail.example.co.uk'],
    ['näme@bücher.example', 'näme@xn--bcher-kva.example'],
    ["o'hara@example.org", "o'hara@example.org"],
  ] as const) {
    assert.equal(normaliseEmail(text), email);
    assert.equal(normaliseEmail(email), email);
  }
});

test('what is no address is refused', () => {
  const long = 'a'.repeat(64);
  const wrong = [
    ...[
      '',
      '@',
      'a',
      'a@',
      '@example.org',
      'a@b',
      'a@localhost',
      'a b@example.org',
      'a@exa mple.org',
      'a@@example.org',
    ],
    ...['.a@example.org', 'a.@example.org', 'a..b@example.org', 'a@example..org', 'a@-example.org', 'a@example.org.'],
    ...[
      'a@example.org/path',
      'a@example.org:25',
      'a@exa%6dple.org',
      'a@[127.0.0.1]',
      'a@127.0.0.1',
      'a@example.org\n'.repeat(2),
    ],
    ...[
      'a\u0000@example.org',
      'a@example.org\u0000',
      'a@exam\tple.org',
      '"a"@example.org',
      'a,b@example.org',
      'a@example.org,b@example.org',
    ],
    ...[
      `${long}a@example.org`,
      `${long}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}.org`,
      `a@${'b'.repeat(64)}.org`,
    ],
  ];
  for (const text of wrong) assert.equal(normaliseEmail(text), undefined, JSON.stringify(text));
});

test('254 bytes are the limit', () => {
  const domain = `${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(57)}.org`;
  const email = `${'a'.repeat(64)}@${domain}`;
  assert.equal(Buffer.byteLength(email), 254);
  assert.equal(normaliseEmail(email), email);
  assert.equal(normaliseEmail(`${'a'.repeat(64)}@d${domain}`), undefined);
});

test('hostile text costs little', () => {
  const startedMs = performance.now();
  normaliseEmail(`${'a.'.repeat(50_000)}@example.org`);
  normaliseEmail(`${'a.'.repeat(120)}!`);
  assert.ok(performance.now() - startedMs < 5_000);
});
