import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { warningOfPort } from './greet.ts';

const warning = (publicUrl: string) => warningOfPort({ publicUrl, portBase: 8080 });

describe('a public URL', () => {
  it('that names another port of this machine is odd', () => {
    for (const host of ['localhost:8000', 'oxo.localhost:8000', '127.0.0.1:8000', '[::1]:8000', 'localhost'])
      assert.match(warning(`http://${host}`) ?? '', /the front door is at port 8080/, host);
    assert.match(warning('https://localhost') ?? '', /names localhost,/);
  });

  it('of the front door, or of another machine, is not', () => {
    const good = ['http://localhost:8080', 'http://127.0.0.1:8080', 'http://[::1]:8080', 'https://oxo.example'];
    for (const url of [...good, 'https://localhost.example:8443']) assert.equal(warning(url), undefined, url);
  });
});
