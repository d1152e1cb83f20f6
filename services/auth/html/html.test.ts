import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Html, html, render } from './html.ts';

test('what is put in is text, between tags and in attributes', () => {
  const evil = `"><script>alert('1')</script>&amp;`;
  const safe = '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;';
  assert.equal(render(html`<p title="${evil}">${evil}</p>`), `<p title="${safe}">${safe}</p>`);
});

test('pieces go in as they are, lists one after the other, and nothing as nothing', () => {
  const items = ['<a>', 'b'].map((text) => html`<li>${text}</li>`);
  assert.equal(render(html`<ul>${items}${undefined}${false}${3}</ul>`), '<ul><li>&lt;a&gt;</li><li>b</li>3</ul>');
});

test('nothing that came from outside can pass for a piece', () => {
  const forged = JSON.parse('{"markup":"<script>","Symbol(markup)":"<script>"}') as Html;
  assert.throws(() => render(html`<p>${forged}</p>`));
});
