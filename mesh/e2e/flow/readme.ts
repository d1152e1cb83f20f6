import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '#kit/testing/until.ts';
import { repositoryRoot } from '../../local/settings.ts';
import { temporaryFolder } from '../../local/testing/temporary.ts';
import { openBrowser } from '../testing/browser.ts';
import type { Cases } from '../testing/cases.ts';
import { agree } from '../testing/oauth.ts';
import { post, signUp } from '../testing/people.ts';
import { openShell, type Shell } from '../testing/shell.ts';
import type { World } from '../testing/world.ts';

const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');

/** The blocks of a language below a heading, as they stand. */
function blocks(heading: string, language: 'sh' | 'js'): string[] {
  const [, section = assert.fail(`README has no "${heading}"`)] = readme.split(`\n## ${heading}\n`);
  const fenced = (section.split('\n## ')[0] ?? '').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm);
  return [...fenced].filter(([, name]) => name === language).map(([, , code = '']) => code);
}

/** Types what "Try it" says; whatever follows it there builds on that. @param printed what came of it */
async function afterTryIt({ stack }: World, work: (shell: Shell, printed: string) => Promise<void>): Promise<void> {
  const shell = openShell({ OXO_URL: stack.urls.frontDoor });
  try {
    const [block = ''] = blocks('Try it', 'sh');
    await work(shell, await shell.type(block));
  } finally {
    shell.close();
  }
}

const assertNoError = (printed: string) => assert.doesNotMatch(printed, /"domain":"oxo"/);

const codeOf = (path: string, token: string) =>
  `curl -s -o /dev/null -w '%{http_code}' $API${path} -H "authorization: Bearer $${token}"`;

/** Runs the app in a folder. @param agreesTo what to do with the address that it shows; without it, it must show none */
async function runApp(
  folder: string,
  { stack }: World,
  agreesTo: (address: string) => Promise<unknown> = () => assert.fail('the app asks its person'),
) {
  const app = spawn(process.execPath, ['app.mjs'], {
    cwd: folder,
    env: { ...process.env, OXO_URL: stack.urls.frontDoor },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  const said: string[] = [];
  const asked: Promise<unknown>[] = [];
  for (const stream of [app.stdout, app.stderr]) {
    createInterface(stream).on('line', (line) => {
      const address = /^open (.*)$/.exec(line)?.[1];
      if (address === undefined) said.push(line);
      else asked.push(agreesTo(address));
    });
  }
  const [code] = await once(app, 'close');
  await Promise.all(asked);
  return { code, said };
}

/** What README tells people to type, typed as it stands. */
export const readmeCases: Cases = {
  'two people sign up and in, one follows, the other posts, a token is refreshed, and a key made and ended': (world) =>
    afterTryIt(world, async (shell, printed) => {
      assert.match(printed, /"handle":"ada"[\s\S]*"handle":"grace"[\s\S]*"text":"Hello, world"/);
      assertNoError(printed);
      const read = 'curl -s $API/feed -H "authorization: Bearer $GRACE"';
      await until('the post is in the feed', async () => /"text":"Hello, world"/.test(await shell.type(read)));
      assert.match(await shell.type(codeOf('/users/me', 'TOKEN')), /^200/);

      const [keys = ''] = blocks('API keys', 'sh');
      const used = await shell.type(keys);
      assert.match(used, /"items":[\s\S]*"apiKeys":[\s\S]*"secret":"oxo_/);
      assertNoError(used);
      const ended = 'echo "$KEY"; curl -s $API/feed -H "x-api-key: $KEY"';
      await until('it is refused', async () => /^oxo_\S+\n.*"API_KEY_INVALID"/.test(await shell.type(ended)));
    }),

  'the app asks its person once, refreshes after that, and asks again when it was disconnected': async (world) => {
    const [person, folder] = [await signUp(world.api), temporaryFolder()];
    await post(world.api, person, 'read by an app');
    const [code = ''] = blocks('Build an app on OXO', 'js');
    writeFileSync(join(folder, 'app.mjs'), code);
    symlinkSync(join(repositoryRoot, 'node_modules'), join(folder, 'node_modules'));
    const agreeTo = (scopes: string[]) => async (address: string) => {
      const browser = openBrowser(world.stack.urls.frontDoor);
      const answer = await agree(browser, await browser.open(address), person, scopes);
      assert.equal((await fetch(answer.url)).status, 200);
    };
    const all = ['profile', 'feed:read', 'offline_access'];
    const shown = { code: 0, said: [`the feed of ${person.handle}:`, `${person.handle}: read by an app`] };
    assert.deepEqual(await runApp(folder, world, agreeTo(all)), shown);
    assert.deepEqual(await runApp(folder, world), shown);
    assert.deepEqual(await runApp(folder, world), shown);

    const { client_id: clientId } = JSON.parse(readFileSync(join(folder, 'my-reader.json'), 'utf8'));
    const disconnect = { method: 'DELETE', path: `/consents/${clientId}`, token: person.accessToken } as const;
    assert.equal((await world.api.call(disconnect)).status, 204);
    const without = await runApp(folder, world, agreeTo(['profile', 'offline_access']));
    assert.equal(without.code, 1);
    assert.match(without.said.join('\n'), /without feed:read there is no feed: disconnect/);
  },

  'a client with a secret registers, and a device is connected': (world) =>
    afterTryIt(world, async (shell) => {
      const [site = '', device = ''] = blocks('Build an app on OXO', 'sh');
      assert.match(await shell.type(site), /"client_secret":"[^"]{20,}/);

      const person = await signUp(world.api);
      const begun = await shell.type(device);
      const [, address = assert.fail(begun)] = /^open (http\S+)$/m.exec(begun) ?? [];
      assert.match(begun, /"authorization_pending"/);
      const browser = openBrowser(world.stack.urls.frontDoor);
      const asked = await browser.submit(await browser.open(address), {});
      const confirmed = await browser.submit(asked, {}, 'Yes');
      const done = await agree(browser, confirmed, person, ['feed:read', 'offline_access']);
      assert.match(done.body, /The device is connected/);
      const [, poll = ''] = device.split(/\n(?=# authorization_pending)/);
      const tokens = JSON.parse(await shell.type(poll));
      assert.equal(typeof tokens.refresh_token, 'string');
      const read = { path: '/feed', token: tokens.access_token } as const;
      assert.equal((await world.api.call(read)).status, 200);
    }),
};
