import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLogger } from '#kit/observability/logger.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { type OpsServer, startOpsServer } from '#kit/observability/ops-server.ts';
import { freePort } from '#kit/testing/ports.ts';
import { CliError } from '../cli/cli-error.ts';
import { temporaryFolder } from '../testing/temporary.ts';
import { requireServing } from './serving.ts';

async function startService(t: TestContext): Promise<OpsServer> {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const server = await startOpsServer({ host: '127.0.0.1', port: 0, metrics: createMetrics(), logger });
  t.after(server.close);
  server.setState('ready');
  return server;
}

test('a service that runs and has lost what it needs is named, with the reason and the end of its log', async (t) => {
  const [post, feed] = [await startService(t), await startService(t)];
  const logDir = temporaryFolder();
  writeFileSync(join(logDir, 'feed.log'), 'no password\n');
  const plan = { urls: { operations: { post: post.url, feed: feed.url } }, logDir };
  await requireServing(plan, 0);
  feed.addCheck('database', () => Promise.reject(new Error('password authentication failed')));
  await assert.rejects(requireServing(plan, 0), (error) => {
    assert.ok(error instanceof CliError);
    assert.equal(error.message, "feed runs and can't work: database: password authentication failed");
    assert.match(error.advice.join('\n'), /feed\.log[\s\S]*no password/);
    return true;
  });
});

test('what is away for a moment is waited for', async (t) => {
  const feed = await startService(t);
  let asked = 0;
  feed.addCheck('redis', async () => {
    asked += 1;
    if (asked < 3) throw new Error('away');
  });
  await requireServing({ urls: { operations: { feed: feed.url } }, logDir: temporaryFolder() });
  assert.equal(asked, 3);
});

test('a service that says nothing, and one that is not ready yet, can not work', async (t) => {
  const feed = await startService(t);
  feed.setState('starting');
  const logDir = temporaryFolder();
  const away = `http://127.0.0.1:${await freePort()}`;
  await assert.rejects(requireServing({ urls: { operations: { feed: feed.url } }, logDir }, 0), /it is starting/);
  await assert.rejects(requireServing({ urls: { operations: { post: away } }, logDir }, 0), /post .*it says nothing/);
});
