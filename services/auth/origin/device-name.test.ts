import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceName, knownDeviceName } from './device-name.ts';

test('devices are called by their browser and system, on pages and in mails alike', () => {
  const chrome = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0';
  for (const [userAgent, name] of [
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Safari/537.36 Edg/140.0`, 'Edge · Windows'],
    [`Mozilla/5.0 (Linux; Android 16; Pixel 9) ${chrome} Mobile Safari/537.36`, 'Chrome · Android'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1',
      'Safari · iPhone',
    ],
    ['Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Version/18.0 Safari/604.1', 'Safari · iPad'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox · Linux'],
    [`Mozilla/5.0 (X11; Linux x86_64) ${chrome.replace('Chrome', 'HeadlessChrome')} Safari/537.36`, 'Chrome · Linux'],
    [`Mozilla/5.0 (X11; Linux x86_64) ${chrome.replace('Chrome', 'Chromium')} Safari/537.36`, 'Chrome · Linux'],
    [`Mozilla/5.0 (Windows NT 10.0) coc_coc_browser/140.0 ${chrome} Safari/537.36`, 'Cốc Cốc · Windows'],
    ['curl/8.9.1', 'curl'],
  ] as const) {
    assert.deepEqual([deviceName(userAgent), knownDeviceName(userAgent)], [name, name], userAgent);
  }
});

test('what nobody knows is called as it calls itself, but in no mail', () => {
  for (const [userAgent, name] of [
    ['okhttp/4.12', 'okhttp/4.12'],
    ['x'.repeat(200), 'x'.repeat(80)],
    ['  ', undefined],
    ['', undefined],
  ] as const) {
    assert.deepEqual([deviceName(userAgent), knownDeviceName(userAgent)], [name, ''], userAgent);
  }
});
