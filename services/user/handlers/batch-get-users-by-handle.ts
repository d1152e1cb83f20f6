import { z } from 'zod';
import type {
  BatchGetUsersByHandleRequest,
  BatchGetUsersByHandleResponse,
} from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { validate } from '#kit/validate.ts';
import { type SummaryRow, summaryColumns } from '../entities/user-entity.ts';
import { handle } from '../profiles/profile-input.ts';
import { summaryMessage } from '../profiles/user-message.ts';

const input = z.object({ handles: z.array(handle()).min(1, 'must not be empty').max(50, 'must be at most 50') });

const FIND = {
  name: 'user-find-by-handles',
  text: `select ${summaryColumns()} from users where handle = any($1::text[])`,
};

/** Users by their handles; those who are not there are left out. @throws OxoError VALIDATION_FAILED */
export function batchGetUsersByHandle({ db }: { db: Queryable }) {
  return async (request: BatchGetUsersByHandleRequest): Promise<BatchGetUsersByHandleResponse> => {
    const rows = await db.query<SummaryRow>(FIND, [validate(input, request).handles]);
    return { users: rows.map(summaryMessage) };
  };
}
