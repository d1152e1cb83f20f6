import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRedirectAllowed, problemOfRedirectUri, targetOf } from './redirect-uris.ts';

test('a web client registers https, and nothing with two spellings', () => {
  for (const uri of [
    'https://app.example/cb',
    'https://app.example',
    'https://app.example:8443/cb?a=b',
    'https://[2001:db8::1]/cb',
  ]) {
    assert.equal(problemOfRedirectUri(uri, 'web'), undefined, uri);
  }
  for (const uri of [
    ...[
      'http://app.example/cb',
      'http://127.0.0.1/cb',
      'http://localhost/cb',
      'app:/cb',
      'com.example.app:/cb',
      'javascript:alert(1)',
    ],
    ...[
      'https://app.example/cb#',
      'https://app.example/cb#a',
      'https://user@app.example/',
      'https://user:pw@app.example/',
    ],
    ...[
      'https://@app.example/',
      'https://app.example/../cb',
      'https://app.example/a/%2e%2E/cb',
      'https://app.example/./cb',
    ],
    ...[
      'https://app.example\\@evil.example/',
      'https:\\\\app.example',
      'https:/app.example/',
      'https:app.example',
      '//app.example/',
    ],
    ...[
      'https://app.example/a b',
      ' https://app.example/',
      'https://app.example/\u00e9',
      'https://\u00e9.example/',
      'https://a\tb/',
    ],
    ...['', '/', 'https://', 'https:///cb', 'HTTPS://app.example/', 'data:text/html,x', 'https://app.example:99999/'],
  ]) {
    assert.equal(typeof problemOfRedirectUri(uri, 'web'), 'string', uri);
  }
});

test('an app on the own machine may also say http with a loopback address', () => {
  for (const uri of [
    'http://127.0.0.1/cb',
    'http://127.0.0.1:1234/cb',
    'http://[::1]/cb',
    'http://localhost:8000/cb',
    'https://app.example/cb',
  ]) {
    assert.equal(problemOfRedirectUri(uri, 'native'), undefined, uri);
  }
  for (const uri of [
    ...[
      'http://127.0.0.2/cb',
      'http://0.0.0.0/cb',
      'http://127.1/cb',
      'http://2130706433/cb',
      'http://localhost.evil.example/cb',
    ],
    ...[
      'http://127.0.0.1.evil.example/',
      'http://127.0.0.1@evil.example/',
      'http://a@127.0.0.1/',
      'http://[::ffff:127.0.0.1]/',
    ],
    ...['http://127.0.0.1:0/cb', 'http://127.0.0.1:99999/cb', 'http://localhost/cb#a', 'http://LOCALHOST/cb'],
  ]) {
    assert.equal(typeof problemOfRedirectUri(uri, 'native'), 'string', uri);
  }
});

test('an app on the own machine may have a scheme of its own, a domain name backwards, and no other scheme', () => {
  for (const uri of [
    ...['com.example.app:/cb', 'com.example.app://cb', 'com.example.app:/', 'com.example.my-app:/a/b?c=d'],
    'com.googleusercontent.apps.1234-x:/oauth2redirect',
  ]) {
    assert.equal(problemOfRedirectUri(uri, 'native'), undefined, uri);
    assert.ok(problemOfRedirectUri(uri, 'web'), uri);
    assert.ok(isRedirectAllowed(uri, [uri], 'native'));
    assert.ok(!isRedirectAllowed(`${uri}x`, [uri], 'native'));
  }
  for (const uri of [
    ...[
      'javascript:alert(1)',
      'javascript:/alert(1)',
      'javascript://a/%0aalert(1)',
      'JAVASCRIPT:/x',
      'data:/text/html,x',
    ],
    ...[
      'myapp:/cb',
      'myapp://cb',
      'file:///etc/passwd',
      'intent://cb',
      'ftp://app.example/',
      'about:/blank',
      'blob:/x',
    ],
    ...['com.example.app:cb', 'com.example.app:', '.example:/cb', 'com.:/cb', 'com..example:/cb', '1.example:/cb'],
    ...['com.example.app://user@host/cb', 'com.example.app:/../cb', 'com.example.app:/cb#a', 'com.example.app:\\cb'],
    ...['COM.example.app:/cb', 'com.example_app:/cb', 'com.example.app:/c b', 'com.example.app:/\u00e9'],
    ...['java\tscript.x:/cb', 'java%73cript.x:/cb', 'javascript.:/cb', 'http.:/cb', 'http://app.example/cb'],
  ]) {
    assert.equal(typeof problemOfRedirectUri(uri, 'native'), 'string', uri);
  }
  assert.equal(targetOf('com.example.app:/cb'), 'com.example.app:');
  assert.equal(targetOf('https://app.example/cb'), 'https://app.example');
  assert.equal(targetOf('no URI'), undefined);
});

test('a request names one as it was registered, to the letter', () => {
  const registered = ['https://app.example/cb?a=b'];
  assert.ok(isRedirectAllowed('https://app.example/cb?a=b', registered, 'web'));
  for (const uri of [
    ...[
      'https://app.example/cb',
      'https://app.example/cb?a=b&c=d',
      'https://app.example/cb?a=b#x',
      'https://app.example/cb?a=%62',
    ],
    ...[
      'https://APP.example/cb?a=b',
      'https://app.example:443/cb?a=b',
      'http://app.example/cb?a=b',
      undefined,
      ['https://app.example/cb?a=b'],
    ],
  ]) {
    assert.ok(!isRedirectAllowed(uri, registered, 'web'), String(uri));
    assert.ok(!isRedirectAllowed(uri, registered, 'native'), String(uri));
  }
});

test('of loopback addresses the port is free, for native apps alone; of localhost it is not', () => {
  const registered = ['http://127.0.0.1/cb', 'http://[::1]:80/v6', 'http://localhost:8000/cb'];
  for (const uri of [
    'http://127.0.0.1:49152/cb',
    'http://127.0.0.1/cb',
    'http://[::1]:5/v6',
    'http://[::1]/v6',
    'http://localhost:8000/cb',
  ]) {
    assert.ok(isRedirectAllowed(uri, registered, 'native'), uri);
  }
  for (const uri of [
    ...[
      'http://localhost:8001/cb',
      'http://localhost/cb',
      'http://127.0.0.1:1/other',
      'http://[::1]:1/cb',
      'http://127.0.0.1:0/cb',
    ],
    ...[
      'http://127.0.0.1:65536/cb',
      'http://127.0.0.1:1/cb?a',
      'http://127.0.0.1:1/cb#',
      'https://127.0.0.1/cb',
      'http://127.0.0.1:/cb',
    ],
    ...[
      'http://127.0.0.1:1@evil.example/cb',
      'http://evil.example/cb',
      'http://127.0.0.1:01234567/cb',
      'http://127.0.0.1:1\\@evil/cb',
    ],
  ]) {
    assert.ok(!isRedirectAllowed(uri, registered, 'native'), uri);
  }
  assert.ok(!isRedirectAllowed('http://127.0.0.1:49152/cb', registered, 'web'));
  assert.ok(!isRedirectAllowed('http://127.0.0.1:49152/cb', registered, undefined));
});
