import assert from 'node:assert/strict';
import { test } from 'node:test';
import { languageAccepted } from './language.ts';

test('the language that is preferred most among ours is taken', () => {
  for (const [header, language] of [
    ['vi', 'vi'],
    ['VI-vn', 'vi'],
    ['vi-VN,vi;q=0.9,en-US;q=0.8', 'vi'],
    ['fr, en;q=0.2, vi;q=0.5', 'vi'],
    ['en-GB,vi;q=0.9', 'en'],
    ['vi;q=0, en', 'en'],
    ['fr,*;q=0.5', 'en'],
    ['vi;q=x', undefined],
    ['fr', undefined],
    ['', undefined],
    [`${'x,'.repeat(1_000)}vi`, undefined],
  ] as const) {
    assert.equal(languageAccepted(header), language, header);
  }
});
