import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOfDevice } from './device-name.ts';

test('devices are called by their browser and system, and else as they call themselves', () => {
  const chrome = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0';
  for (const [userAgent, name] of [
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Safari/537.36 Edg/140.0`, 'Edge · Windows'],
    [`Mozilla/5.0 (Linux; Android 16; Pixel 9) ${chrome} Mobile Safari/537.36`, 'Chrome · Android'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1', 'Safari · iOS'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox · Linux'],
    [`Mozilla/5.0 (X11; Linux x86_64) ${chrome.replace('Chrome', 'HeadlessChrome')} Safari/537.36`, 'Chrome · Linux'],
    [`Mozilla/5.0 (X11; Linux x86_64) ${chrome.replace('Chrome', 'Chromium')} Safari/537.36`, 'Chrome · Linux'],
    ['curl/8.9.1', 'curl/8.9.1'],
    ['x'.repeat(200), 'x'.repeat(80)],
    ['  ', undefined],
  ] as const) {
    assert.equal(nameOfDevice(userAgent), name, userAgent);
  }
});
