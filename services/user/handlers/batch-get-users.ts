import { z } from 'zod';
import type { BatchGetUsersRequest, BatchGetUsersResponse } from '#gen/oxo/user/v1/user_internal_service.ts';
import { ids, validate } from '#kit/validate.ts';
import type { PublishedProfiles } from '../profiles/published-profiles.ts';
import { summaryMessage } from '../profiles/user-message.ts';

const input = z.object({ ids: ids({ min: 1, max: 500 }) });

/** Users by their ids; those who are not there are left out. @throws OxoError VALIDATION_FAILED */
export function batchGetUsers({ profiles }: { profiles: PublishedProfiles }) {
  return async (request: BatchGetUsersRequest): Promise<BatchGetUsersResponse> => {
    const rows = await profiles.read(validate(input, request).ids);
    // Who asks did not find them in the read model.
    profiles.refill(rows);
    return { users: rows.map(summaryMessage) };
  };
}
