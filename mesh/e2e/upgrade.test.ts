/**
 * The last release serves people, and this version takes its place under them: first the tables, then process by process, so that
 * for a while both serve, on the same data and events.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '#kit/testing/until.ts';
import { isWithoutAccounts } from '../local/servers/nats.ts';
import { services } from '../local/services.ts';
import { repositoryRoot } from '../local/settings.ts';
import { readEvents } from '../local/stack/health.ts';
import { planStack } from '../local/stack/plan.ts';
import { serviceOf } from '../local/stack/replicas.ts';
import { codeVersion } from '../local/stack/version.ts';
import type { StackState } from '../local/supervisor/state.ts';
import { ownStack, oxo } from '../local/testing/command.ts';
import { temporaryFolder } from '../local/testing/temporary.ts';
import { beginLoad } from './upgrade/load.ts';
import { findVersionBefore, unpack } from './upgrade/version-before.ts';

const versionBefore = await findVersionBefore();
const skip = 'reason' in versionBefore ? versionBefore.reason : false;
const replicas = 2;
const people = 8;
/** Of the shell that the last release was started from, and of no later one. */
const settingsBefore = { OXO_CORS_ORIGINS: 'none' };

/** Starts the last release in a folder of its own. */
async function startVersionBefore(t: TestContext) {
  assert('commit' in versionBefore);
  const checkout = join(realpathSync(temporaryFolder()), 'before');
  mkdirSync(checkout);
  await unpack(versionBefore.commit, checkout);
  const { env, state, stateDir } = await ownStack(t);
  const program = join(checkout, 'oxo');
  const up = await oxo(['up', '--replicas', String(replicas)], { program, env: { ...env, ...settingsBefore } });
  assert.equal(up.code, 0, `${up.out}\n${up.err}`);
  const { urls } = planStack({ stateDir, portBase: state().portBase, replicas });
  return { checkout, env, state, stateDir, urls };
}

const names = services.map(({ name }) => name);

/** The checkouts that the services run from, by process. */
function checkoutsOf({ processes }: StackState): Record<string, string> {
  const found = processes.filter(({ name }) => names.includes(serviceOf(name)));
  return Object.fromEntries(found.map(({ name, identity }) => [name, readlinkSync(`/proc/${identity?.pid}/cwd`)]));
}

function pidsOf({ processes }: StackState, ...names: string[]): (number | undefined)[] {
  return names.map((wanted) => processes.find(({ name }) => name === wanted)?.identity?.pid);
}

/** How a request ends that was not answered. */
const connectionClosed = ': no answer';
const servers = ['postgres', 'redis'];

test('the last release is replaced under people who write and read: no request is refused, nothing is lost or doubled', {
  skip,
}, async (t) => {
  const { checkout, env, state, stateDir, urls } = await startVersionBefore(t);
  const before = state();
  const natsDir = join(stateDir, 'data/nats');
  const hadAccounts = !isWithoutAccounts(natsDir);
  const load = await beginLoad(urls, people, t.signal);
  t.after(load.stop);
  await load.untilMore(20);
  assert.deepEqual(load.failed(), []);

  await t.test('the tables are migrated beside the old services', async () => {
    const { code, err } = await oxo(['migrate'], { env });
    assert.equal(code, 0, err);
    await load.untilMore(20);
    assert.deepEqual(load.failed(), []);
  });

  await t.test('an old process starts on the new tables, so there is a way back', async () => {
    const [pid = 0] = pidsOf(state(), 'post');
    process.kill(pid, 'SIGKILL');
    await until(
      'post is back',
      () => {
        const record = state().processes.find(({ name }) => name === 'post');
        return record?.state === 'ready' && record.identity?.pid !== pid;
      },
      60_000,
    );
    assert.deepEqual(new Set(Object.values(checkoutsOf(state()))), new Set([checkout]));
    await load.untilMore(20);
    load.failed();
  });

  await t.test('a new process that does not start stops the roll, and the old ones go on', async () => {
    const { code, err } = await oxo(['up'], { env: { ...env, KEY_PUBLISHED_FOR_MS: 'nonsense' } });
    assert.equal(code, 1);
    assert.match(err, /two versions[\s\S]*auth is not ready/);
    const { auth, ...others } = checkoutsOf({
      ...state(),
      processes: state().processes.filter(({ name }) => name !== 'auth'),
    });
    assert.deepEqual([auth, ...new Set(Object.values(others))], [undefined, checkout]);
    await load.untilMore(20);
    assert.deepEqual(load.failed(), []);
  });

  await t.test('up goes on and replaces all of them', async () => {
    const { code, out, err } = await oxo(['up'], { env });
    assert.equal(code, 0, `${out}\n${err}`);
    const after = state();
    assert.deepEqual([...new Set(Object.values(checkoutsOf(after)))], [repositoryRoot]);
    assert.equal(Object.keys(checkoutsOf(after)).length, 4 * replicas);
    assert.deepEqual(pidsOf(after, ...servers), pidsOf(before, ...servers));
    assert.notDeepEqual(pidsOf(after, 'envoy'), pidsOf(before, 'envoy'));
    // One that was started without accounts is started anew, on its own data.
    assert.equal(pidsOf(after, 'nats')[0] === pidsOf(before, 'nats')[0], hadAccounts);
    assert.ok(!isWithoutAccounts(natsDir));
    assert.equal(after.version, codeVersion());
    assert.deepEqual(after.variables, settingsBefore);
    await load.untilMore(20);
    // A proxy that goes may close a connection just as a request comes in on it, as with any server: clients send it again.
    const refused = load.failed().filter((text) => !text.endsWith(connectionClosed));
    assert.deepEqual(refused, []);
  });

  await t.test('what a supervisor leaves that dies is taken over by up as it is', async () => {
    const left = state();
    process.kill(left.supervisor.pid, 'SIGKILL');
    const { code, out, err } = await oxo(['up'], { env });
    assert.equal(code, 0, `${out}\n${err}`);
    assert.match(out, /taken over/);
    const [all, after] = [left.processes.map(({ name }) => name), state()];
    assert.deepEqual(pidsOf(after, ...all), pidsOf(left, ...all));
    assert.deepEqual([after.version, after.variables], [codeVersion(), settingsBefore]);
    await load.untilMore(20);
    assert.deepEqual(load.failed(), []);
  });

  const { settled, findings, crowd } = await load.compare();
  assert.ok(settled, 'all events are through');
  assert.deepEqual(findings.counts(), { lost: 0, doubled: 0, outOfPlace: 0, wrong: 0 }, findings.texts().join('\n'));
  for (const [what, count] of Object.entries(crowd.deeds)) assert.ok(count > 0, what);
  assert.equal((await readEvents(urls.nats)).deadLetters, 0);
});
