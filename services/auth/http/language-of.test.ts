import assert from 'node:assert/strict';
import { test } from 'node:test';
import { languageOf } from './language-of.ts';

test('what was chosen counts more than what the browser asks for, if it is a language of ours', () => {
  const headers = (cookie: string) => ({ cookie, 'accept-language': 'vi' });
  assert.equal(languageOf(headers('a=1; l=en; b=2'), 'l'), 'en');
  assert.equal(languageOf(headers('xl=en'), 'l'), 'vi');
  assert.equal(languageOf(headers('l=xx'), 'l'), 'vi');
  assert.equal(languageOf({}, 'l'), 'en');
});
