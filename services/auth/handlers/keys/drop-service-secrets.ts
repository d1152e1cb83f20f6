import { z } from 'zod';
import type { DropServiceSecretsRequest, DropServiceSecretsResponse } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { invalidFields } from '#kit/errors.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { countingSecrets, type DropSecrets, type SecretHashes } from '../../tokens/service-secrets.ts';

const SECRET_ID = /^[\w-]{22}$/;
const NAME = /^[a-z]{1,32}$/;

const input = z.object({
  secretIds: z.array(z.string().regex(SECRET_ID, 'must be the id of a secret')).max(64),
  replaced: z.array(z.string().regex(NAME, 'must be a name')).max(32),
});

export interface DropServiceSecretsDependencies {
  secretHashes: SecretHashes;
  dropSecrets: DropSecrets;
}

/** @throws OxoError VALIDATION_FAILED; UNAVAILABLE when services may still believe a token that was got by them */
export function dropServiceSecrets({ secretHashes, dropSecrets }: DropServiceSecretsDependencies) {
  const counts = countingSecrets(secretHashes);

  return async (request: DropServiceSecretsRequest, context: CallContext): Promise<DropServiceSecretsResponse> => {
    const { secretIds, replaced } = validate(input, request);
    // Nobody could call anybody for as long as a deny-list remembers.
    if (secretIds.some(counts)) {
      throw invalidFields([{ field: 'secretIds', description: 'must be secrets that count no more' }]);
    }
    await dropSecrets(secretIds, replaced, context);
    return {};
  };
}
