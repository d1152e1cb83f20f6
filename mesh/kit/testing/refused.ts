import assert from 'node:assert/strict';
import { type FieldViolation, OxoError, type Reason } from '#kit/errors.ts';

/**
 * For `assert.rejects` and `assert.throws`: the error is ours and has exactly this reason.
 * @param fields when there are any: exactly these are named, in this order. By its name alone a field counts once, however much
 * is wrong with it
 */
export function refused(reason: Reason, ...fields: (string | FieldViolation)[]): (error: unknown) => true {
  return (error) => {
    if (!(error instanceof OxoError)) throw new assert.AssertionError({ message: `no error of ours: ${error}` });
    assert.equal(error.reason, reason, error.message);
    const byName = fields.every((field) => typeof field === 'string');
    const named = byName ? [...new Set(error.fields.map(({ field }) => field))] : error.fields;
    if (fields.length > 0) assert.deepEqual(named, fields);
    return true;
  };
}

/**
 * Whether a call is answered or refused with exactly this reason.
 * @throws AssertionError when it fails in any other way
 */
export function isRefused(call: Promise<unknown>, reason: Reason): Promise<boolean> {
  return call.then(() => false, refused(reason));
}
