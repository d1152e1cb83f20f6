/** The containers of mesh/local/compose.yaml are told what they need, and are all that `up` starts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { renderGateway } from '../kubernetes/gateway/render.ts';
import { services } from './services.ts';
import { repositoryRoot } from './settings.ts';
import { temporaryFolder } from './testing/temporary.ts';

type Container = { readonly command: readonly string[]; readonly environment: Readonly<Record<string, string>> };

const secrets: Readonly<Record<string, string>> = {
  OXO_PASSWORD: 'f'.repeat(48),
  OXO_KEY: Buffer.alloc(32, 7).toString('base64'),
  OXO_SECRET_SHA256: 'a'.repeat(64),
};

const text = readFileSync(join(repositoryRoot, 'mesh/local/compose.yaml'), 'utf8');
const filled = text.replaceAll(/\$\{(\w+)(:\?[^}]*)?\}/g, (_, name: string) => secrets[name] ?? `unknown ${name}`);
const { services: containers } = parse(filled, { merge: true }) as { services: Readonly<Record<string, Container>> };

for (const { name, main } of services) {
  test(`${name} starts with its settings`, async () => {
    const container = containers[name];
    assert.ok(container, `mesh/local/compose.yaml has no container ${name}`);
    assert.equal(container.command.at(-1), main);
    const config: { readConfig(env: NodeJS.ProcessEnv): unknown } = await import(
      join(repositoryRoot, dirname(main), 'config.ts')
    );
    assert.ok(config.readConfig(container.environment));
  });
}

test('the front door has its settings, and every secret is one that is made', () => {
  assert.ok(
    renderGateway(containers['gateway-config']?.environment ?? {}, temporaryFolder()).includes('127.0.0.1:8080'),
  );
  assert.ok(!filled.includes('unknown'));
});
