import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import { isSoundKey } from './public-key.ts';

type Labels = [label: number, value: number | Uint8Array<ArrayBuffer>][];

/** As COSE has it. */
const cose = (labels: Labels) => isoCBOR.encode(new Map(labels));
const bytes = (text = '') => Uint8Array.from(Buffer.from(text, 'base64url'));

const [p256, otherP256] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
const { publicKey: ed25519 } = generateKeyPairSync('ed25519');
const rsaOf = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey;

function ec(key: KeyObject | undefined, more: Labels = []) {
  const { x, y } = key?.export({ format: 'jwk' }) ?? {};
  return cose([[1, 2], [3, -7], [-1, 1], [-2, bytes(x)], [-3, bytes(y)], ...more]);
}

function rsa(key: KeyObject, more: Labels = []) {
  const { n, e } = key.export({ format: 'jwk' });
  return cose([[1, 3], [3, -257], [-1, bytes(n)], [-2, bytes(e)], ...more]);
}

const x25519 = bytes(ed25519.export({ format: 'jwk' }).x);
const large = rsaOf(2_048);

describe('a public key of a passkey', () => {
  it('is sound on P-256, on Ed25519, and of RSA from 2,048 bits on', () => {
    assert.ok(isSoundKey(ec(p256)));
    assert.ok(
      isSoundKey(
        cose([
          [1, 1],
          [3, -8],
          [-1, 6],
          [-2, x25519],
        ]),
      ),
    );
    assert.ok(isSoundKey(rsa(large)));
  });

  const wrong: Record<string, Uint8Array> = {
    'off its curve': ec(p256, [[-3, bytes(otherP256?.export({ format: 'jwk' }).y)]]),
    'at the origin': ec(p256, [
      [-2, new Uint8Array(32)],
      [-3, new Uint8Array(32)],
    ]),
    'on a curve that its algorithm has not': ec(p256, [[-1, 2]]),
    'of a type that its algorithm has not': ec(p256, [[1, 3]]),
    'of an algorithm that we have not asked for': ec(p256, [[3, -35]]),
    'of Ed25519 that is too short': cose([
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, x25519.slice(1)],
    ]),
    'of RSA that is 15': rsa(large, [
      [-1, Uint8Array.of(15)],
      [-2, Uint8Array.of(1)],
    ]),
    'of RSA that is too short': rsa(rsaOf(1_024)),
    'of RSA whose exponent is 1': rsa(large, [[-2, Uint8Array.of(1)]]),
    'of RSA whose exponent is 3': rsa(rsaOf(2_048, 3)),
    'of RSA without an exponent': rsa(large, [[-2, 1]]),
    'that is no map': isoCBOR.encode(Uint8Array.of(1)),
    'that is nothing': Uint8Array.of(0xff, 0xff),
  };
  for (const [what, key] of Object.entries(wrong))
    it(`is not sound ${what}`, () => assert.equal(isSoundKey(key), false));
});
