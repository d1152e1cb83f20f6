import { z } from 'zod';
import type { DisableAccountRequest, DisableAccountResponse } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, text, validate } from '#kit/validate.ts';
import type { Disable } from '../../accounts/disabling.ts';
import { languageOfTag } from '../../i18n/language.ts';

const input = z.object({ userId: id(), locale: text({ maxCharacters: 35, maxBytes: 35 }) });

/**
 * Ends an account that its owner deletes: no sign-in any more, and its sessions are revoked. May be repeated.
 * @throws OxoError VALIDATION_FAILED
 */
export function disableAccount({ disable }: { disable: Disable }) {
  return async (request: DisableAccountRequest, context: CallContext): Promise<DisableAccountResponse> => {
    const { userId, locale } = validate(input, request);
    const language = languageOfTag(locale);
    const { requestId, metadata, caller } = context;
    await disable(userId, { requestId, metadata, caller, ...(language === undefined ? {} : { language }) });
    return {};
  };
}
