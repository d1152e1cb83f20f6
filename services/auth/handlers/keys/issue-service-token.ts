import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { IssueServiceTokenRequest, IssueServiceTokenResponse } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { OxoError } from '#kit/errors.ts';
import { secretIdOf } from '#kit/identity/service-token.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { text, validate } from '#kit/validate.ts';
import { NOBODY } from '../../audit/audit-log.ts';
import type { CountedAudit } from '../../audit/counted.ts';
import { certifiedCaller } from '../../keys/certified-caller.ts';
import { SERVICE_TOKEN_LIFETIME_MS } from '../../keys/token-lifetimes.ts';
import { hashOf } from '../../tokens/hash.ts';
import type { TokenIssuer } from '../../tokens/token-issuer.ts';

const input = z.object({
  clientId: text({ minCharacters: 1, maxCharacters: 64, maxBytes: 64 }),
  clientSecret: text({ minCharacters: 1, maxCharacters: 512, maxBytes: 512 }),
});

/** Compared with when there is no such service; no secret has this hash. */
const NO_HASH = Buffer.alloc(32);

export interface IssueServiceTokenDependencies {
  /** SHA-256 of the secrets of each service, by its name: two while one takes the other's place. */
  secretHashes: ReadonlyMap<string, readonly Buffer[]>;
  issuer: TokenIssuer;
  counted: Pick<CountedAudit, 'add'>;
}

/** The secrets are random, so a fast hash is enough. @throws OxoError VALIDATION_FAILED, CREDENTIALS_INVALID */
export function issueServiceToken({ secretHashes, issuer, counted }: IssueServiceTokenDependencies) {
  return async (request: IssueServiceTokenRequest, context: CallContext): Promise<IssueServiceTokenResponse> => {
    const { clientId, clientSecret } = validate(input, request);
    const hash = hashOf(clientSecret);
    // All are compared, so that the time does not tell which it was.
    const matching = (secretHashes.get(clientId) ?? [NO_HASH]).filter((known) => timingSafeEqual(hash, known));
    // In a mesh a secret is good in the pods of its own service alone.
    const caller = certifiedCaller(context);
    if (matching.length === 0 || (caller !== undefined && caller !== clientId)) {
      // What is no service's name may be anything.
      const details: Record<string, string> = secretHashes.has(clientId) ? { service: clientId } : {};
      counted.add({ action: 'AUTHENTICATE_CLIENT', outcome: 'REFUSED', actor: NOBODY, details }, context);
      throw new OxoError('CREDENTIALS_INVALID', 'No service has this client id and secret.');
    }
    const { token } = await issuer.serviceToken(clientId, secretIdOf(hash));
    return { accessToken: token, expiresIn: SERVICE_TOKEN_LIFETIME_MS / 1_000 };
  };
}
