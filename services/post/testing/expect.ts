import assert from 'node:assert/strict';
import { OxoError, type Reason } from '#kit/errors.ts';

/** For assert.rejects: the error is ours and has this reason. */
export function hasReason(reason: Reason): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof OxoError, String(error));
    assert.equal(error.reason, reason, error.message);
    return true;
  };
}

/** For assert.rejects: exactly these fields are wrong. */
export function hasFields(...fields: string[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof OxoError, String(error));
    assert.equal(error.reason, 'VALIDATION_FAILED', error.message);
    assert.deepEqual(
      error.fields.map(({ field }) => field),
      fields,
    );
    return true;
  };
}
