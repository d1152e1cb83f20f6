import { z } from 'zod';
import type { ConfirmErasureRequest, ConfirmErasureResponse } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { requireService } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';

const input = z.object({ userId: id() });

/** The first confirmation stays. Of somebody who was not deleted there is nothing to confirm. */
const CONFIRM = {
  name: 'erasure-confirm',
  text: `insert into erasure_confirmations (user_id, service, erased_at_ms)
    select user_id, $2, $3 from deletions where user_id = $1 on conflict do nothing`,
};

export interface ConfirmErasureDependencies {
  db: Queryable;
  clock: Clock;
}

/** The calling service holds nothing of the user any more. May be repeated. @throws OxoError VALIDATION_FAILED */
export function confirmErasure({ db, clock }: ConfirmErasureDependencies) {
  return async (request: ConfirmErasureRequest, context: CallContext): Promise<ConfirmErasureResponse> => {
    const { userId } = validate(input, request);
    await db.query(CONFIRM, [userId, requireService(context), clock.nowMs()]);
    return {};
  };
}
