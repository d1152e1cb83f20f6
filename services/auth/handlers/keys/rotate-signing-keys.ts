import type { RotateSigningKeysRequest, RotateSigningKeysResponse } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { KeyRotation } from '../../keys/rotation.ts';

/**
 * The next key signs from now on. With `force`, for a key that has leaked, all that have signed are dropped too.
 * @throws what `KeyRotation.rotate` throws
 */
export function rotateSigningKeys({ rotation }: { rotation: KeyRotation }) {
  return async ({ force }: RotateSigningKeysRequest, context: CallContext): Promise<RotateSigningKeysResponse> => {
    const { nextReadyAtMs, ...rotated } = await rotation.rotate({ force }, context);
    return { ...rotated, nextReadyAt: new Date(nextReadyAtMs) };
  };
}
