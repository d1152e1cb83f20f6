import { z } from 'zod';
import type { ListAuditLogRequest, ListAuditLogResponse } from '#gen/oxo/admin/v1/admin_service.ts';
import { AuditLogEntry_Action as Action, AuditLogEntry_Outcome as Outcome } from '#gen/oxo/admin/v1/audit_log.ts';
import type { Queryable } from '#kit/db/database.ts';
import { isId } from '#kit/ids.ts';
import { openPage, type Position } from '#kit/page-token.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { NO_ID, pageFields, validate } from '#kit/validate.ts';
import { type AuditRow, auditLogEntry, readAuditLog } from '../../audit/audit-entries.ts';
import { nameIn } from '../../audit/audit-input.ts';
import { recordAudit } from '../../audit/audit-log.ts';

const input = z.object({
  ...pageFields({ default: 50, max: 200 }),
  accountId: z.string().refine((value) => value === '' || isId(value), NO_ID),
  action: nameIn(Action),
  outcome: nameIn(Outcome),
  since: z.date().optional(),
  until: z.date().optional(),
});

type Asked = z.infer<typeof input>;

/**
 * Whoever reads the log stands in it.
 * @throws OxoError VALIDATION_FAILED, PAGE_TOKEN_INVALID
 */
export function listAuditLog({ db }: { db: Queryable }) {
  return async (request: ListAuditLogRequest, context: CallContext): Promise<ListAuditLogResponse> => {
    const asked = validate(input, request);
    const filter = filterOf(asked);
    const page = openPage(`audit-log:${JSON.stringify(filter)}`, asked);
    // Before it is read: what can't be written down can't be read.
    await recordAudit(db, { action: 'READ_AUDIT_LOG', details: { ...filter, pageSize: asked.pageSize } }, context);
    const before = earlier(page.before, filter.untilMs);
    const found = await readAuditLog(db, { ...filter, before, limit: page.limit });
    const { rows, nextPageToken } = page.close(found, (row: AuditRow) => ({ atMs: row.atMs, id: row.id }));
    return { entries: rows.map(auditLogEntry), nextPageToken };
  };
}

/** Only what is asked for: it also says which list a page token is of. */
function filterOf({ accountId, action, outcome, since, until }: Asked) {
  return {
    ...(accountId === '' ? {} : { accountId }),
    ...(action === undefined ? {} : { action }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(since === undefined ? {} : { sinceMs: since.getTime() }),
    ...(until === undefined ? {} : { untilMs: until.getTime() }),
  };
}

/** Nothing has the smallest id, so what comes after this place is earlier than the time. */
function earlier(before: Position, untilMs: number | undefined): Position {
  if (untilMs === undefined || before.atMs < untilMs) return before;
  return { atMs: untilMs, id: '00000000-0000-0000-0000-000000000000' };
}
