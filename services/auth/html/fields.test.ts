import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alertOf, choice, field } from './fields.ts';
import { html, render } from './html.ts';

const NAME = { name: 'handle', label: 'Handle', maxLength: 5, autocomplete: 'username' };

test('a field has a label, and what is said of it is tied to it', () => {
  const text = render(html`${field({ ...NAME, hint: 'short', problem: 'too long', value: 'a"b' })}`);
  assert.match(text, /<label for="handle">Handle<\/label>/);
  assert.match(text, /<input type="text" id="handle" name="handle" value="a&quot;b" required maxlength="5"/);
  assert.match(text, / aria-invalid="true" aria-describedby="handle-hint handle-problem"/);
  assert.match(text, /<span class="hint" id="handle-hint">short<\/span>/);
  assert.match(text, /<span class="wrong" id="handle-problem">too long<\/span>/);
});

test('nothing is said of a field that is right, and a password that was sent is not sent back', () => {
  const text = render(html`${field({ ...NAME, type: 'password', value: 'secret', isOptional: true })}`);
  assert.doesNotMatch(text, /aria-|required|secret|value=|autofocus/);
});

test('a text of several lines keeps the line break that it begins with', () => {
  assert.match(
    render(html`${field({ ...NAME, lines: 3, value: '\n<b>' })}`),
    /<textarea rows="3" [^>]*>\n\n&lt;b&gt;<\/textarea>/,
  );
});

test('a box that cannot be unticked is sent all the same', () => {
  const options = { name: 'scope', value: 'a:b', label: 'A', isChecked: true };
  assert.match(
    render(html`${choice(options)}`),
    /<input type="checkbox" id="scope-a-b" name="scope" value="a:b" checked>/,
  );
  const fixed = render(html`${choice({ ...options, isFixed: true })}`);
  assert.match(fixed, /<input type="checkbox" id="scope-a-b" checked disabled>/);
  assert.match(fixed, /<input type="hidden" name="scope" value="a:b">/);
});

test('where nothing went wrong nothing is announced', () => {
  assert.equal(render(html`${alertOf(undefined)}`), '');
  assert.equal(render(html`${alertOf('<')}`), '<p role="alert" id="problem">&lt;</p>\n');
});
