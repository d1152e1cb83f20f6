/** What runbooks do by functions of the shell, shown to a kubectl of this test's own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../../local/testing/temporary.ts';

const functions = join(import.meta.dirname, 'functions.sh');

/** Runs lines of a shell in which kubectl is a function, which says what it was asked. */
function run(kubectl: string, lines: string) {
  const folder = temporaryFolder();
  const script = join(folder, 'script.sh');
  const asked = join(folder, 'asked');
  writeFileSync(asked, '');
  const own = `kubectl() { echo "$*" >>asked; ${kubectl}\n}\nsleep() { :; }\nmanifests() { echo "of $1"; }`;
  writeFileSync(script, `. ${functions}\n${own}\n${lines}\n`);
  const { status, stdout, stderr } = spawnSync('bash', [script], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  return { status, stdout, stderr, asked: spawnSync('cat', [asked], { encoding: 'utf8' }).stdout };
}

describe('the functions of runbooks', () => {
  it('wait for a secret that was fetched after they asked, not for one that is Ready', () => {
    const answer = 'case "$*" in *get*) wc -l <asked | awk \'{ print ($1 > 4) ? "2-b" : "1-a" }\' ;; esac';
    const { status, asked } = run(answer, 'fetch oxo-app post');
    assert.equal(status, 0);
    assert.match(asked, /^-n oxo-app get [^\n]*\n-n oxo-app annotate externalsecret post force-sync=\d+ --overwrite\n/);
    assert.equal(asked.match(/ get /g)?.length, 4);
    const never = run('case "$*" in *get*) echo 1-a ;; esac', 'fetch oxo-app post && echo done');
    assert.deepEqual([never.status, never.stdout], [1, '']);
    assert.match(never.stderr, /^post was not fetched: kubectl -n oxo-app describe externalsecret post$/m);
    const away = run('return 1', 'fetch oxo-app post user');
    assert.deepEqual([away.status, away.asked.split('\n').length], [1, 2]);
  });

  it('fetch the secrets of both namespaces', () => {
    const names = 'oxo-app/auth\\noxo-infra/nats\\nmonitoring/grafana\\n';
    const answer = `case "$*" in *-A*) printf '${names}' ;; *get*) wc -l <asked ;; esac`;
    const { status, asked } = run(answer, 'fetch_all');
    assert.equal(status, 0);
    assert.deepEqual(
      [...asked.matchAll(/-n (\S+) annotate externalsecret (\S+)/g)].map(([, ...found]) => found.join('/')),
      ['oxo-app/auth', 'oxo-infra/nats'],
    );
  });

  it('end when the migration has, well or badly, with what it said', () => {
    const ending = (condition: string) =>
      run(
        `case "$*" in *condition=${condition}*) return 0 ;; *condition*) return 1 ;; *logs*) echo "its words" ;; esac`,
        'migrate',
      );
    const well = ending('complete');
    assert.deepEqual([well.status, well.stdout], [0, 'its words\n']);
    assert.match(well.asked, /delete job migrate[^\n]*\napply -f -\n/);
    const badly = ending('failed');
    assert.deepEqual([badly.status, badly.stdout, badly.stderr], [1, 'its words\n', 'the migration has failed\n']);
    const never = ending('none');
    assert.equal(never.status, 1);
  });

  it('tell every Redis its users, and stop at one that does not take them', () => {
    const secret = Buffer.from('user default on\nuser oxo on\nuser post reset on #ab %RW~post:*\n').toString('base64');
    const answer = `case "$*" in *secret*) echo ${secret} ;; *exec*pod/b*) return 1 ;; *exec*) cat ;; esac`;
    const { status, stdout, asked } = run(answer, 'tell_redis redis-acl pod/a pod/b pod/c');
    assert.deepEqual([status, stdout], [1, 'ACL SETUSER post reset on #ab %RW~post:*\n']);
    assert.doesNotMatch(asked, /pod\/c/);
    assert.equal(run('echo', 'tell_redis redis-acl pod/a').status, 1);
  });
});
