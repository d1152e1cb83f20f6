import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from 'uqr';
import { html, render } from '../../../html/html.ts';
import { qrCode } from './qr-code.ts';

test('each module of the code stands in the picture, and no other', () => {
  const text = 'otpauth://totp/OXO:mai?secret=JBSWY3DPEHPK3PXP';
  const { data, size } = encode(text, { ecc: 'M', border: 4 });
  const picture = render(html`${qrCode(text, 'a <code>')}`);
  assert.match(picture, /aria-label="a &lt;code&gt;"/);
  const drawn = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  for (const [, x, y, width] of picture.matchAll(/M(\d+) (\d+)h(\d+)/g))
    drawn[Number(y)]?.fill(true, Number(x), Number(x) + Number(width));
  assert.deepEqual(drawn, data);
  assert.ok(
    data
      .slice(0, 4)
      .flat()
      .every((isBlack) => !isBlack),
  );
});
