import type { RewrapSigningKeysRequest, RewrapSigningKeysResponse } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { unavailable } from '#kit/errors.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { KeyVaultError } from '../../keys/key-vault.ts';
import type { Rewrapping } from '../../keys/rewrapping.ts';

/** @throws OxoError UNAVAILABLE with the words of the vault, which are for the operator who asked */
export function rewrapSigningKeys({ rewrapping }: { rewrapping: Rewrapping }) {
  return async (_: RewrapSigningKeysRequest, context: CallContext): Promise<RewrapSigningKeysResponse> => {
    try {
      return await rewrapping.rewrap(context);
    } catch (error) {
      throw error instanceof KeyVaultError ? unavailable(error.message, error) : error;
    }
  };
}
