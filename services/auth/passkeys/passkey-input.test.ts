import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { z } from 'zod';
import { OxoError } from '#kit/errors.ts';
import { refused } from '#kit/testing/refused.ts';
import { validate } from '#kit/validate.ts';
import { confirmationByPasskey, passkeySignInInput, registrationInput } from './passkey-input.ts';

type Response = Record<string, unknown>;
interface Sent {
  id: string;
  response: Response;
}

const ATTESTATION: Response = { clientDataJSON: 'A', attestationObject: 'A', transports: ['usb'] };
const ASSERTION: Response = { clientDataJSON: 'A', authenticatorData: 'A', signature: 'A', userHandle: 'A' };

const inputs: Record<string, { schema: z.ZodType; rest: object; response: Response }> = {
  registration: { schema: registrationInput, rest: { name: 'phone' }, response: ATTESTATION },
  'sign-in': { schema: passkeySignInInput, rest: { deviceToken: '' }, response: ASSERTION },
  confirmation: { schema: confirmationByPasskey, rest: { password: '' }, response: ASSERTION },
};

/** In characters, as the contract says. */
const LIMITS: [field: string, most: number][] = [
  ['id', 1_364],
  ['response.clientDataJSON', 4_096],
  ['response.attestationObject', 16_384],
  ['response.authenticatorData', 4_096],
  ['response.signature', 1_024],
  ['response.userHandle', 128],
];

/** The credential with another value in one field. */
function withField(response: Response, field: string, value: unknown): Sent {
  const [first = '', second = ''] = field.split('.');
  return first === 'id' ? { id: String(value), response } : { id: 'A', response: { ...response, [second]: value } };
}

const inEnglishOfOurs = (error: unknown) =>
  error instanceof OxoError && error.fields.every(({ description }) => description.startsWith('must be '));

for (const [name, { schema, rest, response }] of Object.entries(inputs)) {
  const check = (credential: Sent) => validate(schema, { ...rest, credential });
  const isRefused = (credential: Sent, field: string) => {
    assert.throws(() => check(credential), refused('VALIDATION_FAILED', `credential.${field}`));
    assert.throws(() => check(credential), inEnglishOfOurs, field);
  };

  describe(`the credential of a ${name}`, () => {
    it('has fields that are so long and no longer, in base64url', () => {
      for (const [field, most] of LIMITS) {
        if (field !== 'id' && !((field.split('.')[1] ?? '') in response)) continue;
        check(withField(response, field, 'A'.repeat(most)));
        isRefused(withField(response, field, 'A'.repeat(most + 1)), field);
        for (const wrong of ['', 'A=', 'A+', 'ä', 'A A']) isRefused(withField(response, field, wrong), field);
      }
    });
  });
}

describe('the transports of a registration', () => {
  const { schema, rest } = inputs.registration ?? assert.fail();
  const check = (transports: unknown) =>
    validate(schema, { ...rest, credential: withField(ATTESTATION, 'response.transports', transports) });

  it('are at most 8, of at most 32 characters', () => {
    check([]);
    check(Array.from({ length: 8 }, () => 'a-_'.padEnd(32, 'x')));
    const [list, item] = ['credential.response.transports', 'credential.response.transports.1'];
    const wrong: [unknown, string][] = [
      [Array.from({ length: 9 }, () => 'usb'), list],
      [['usb', 'x'.repeat(33)], item],
      [['usb', 'u b'], item],
    ];
    for (const [transports, field] of wrong) {
      assert.throws(() => check(transports), refused('VALIDATION_FAILED', field));
      assert.throws(() => check(transports), inEnglishOfOurs, field);
    }
  });
});
