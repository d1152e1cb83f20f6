import {
  AuditLogEntry_Action as Action,
  AuditLogEntry_ActorKind as ActorKind,
  type AuditLogEntry,
  AuditLogEntry_Outcome as Outcome,
} from '#gen/oxo/admin/v1/audit_log.ts';
import type { Queryable, Statement } from '#kit/db/database.ts';
import type { Position } from '#kit/page-token.ts';

const COLUMNS = `id, at_ms::float8 as "atMs", action, outcome, coalesce(account_id::text, '') as "accountId", actor_kind as "actorKind",
  actor_id as "actorId", session_id as "sessionId", key_id as "keyId", client_id as "clientId", network, user_agent as "userAgent",
  request_id as "requestId", details`;

/** An entry as its table has it. */
export interface AuditRow {
  id: string;
  atMs: number;
  action: string;
  outcome: string;
  accountId: string;
  actorKind: string;
  actorId: string;
  sessionId: string;
  keyId: string;
  clientId: string;
  network: string;
  userAgent: string;
  requestId: string;
  details: Record<string, string>;
}

export interface AuditFilter {
  accountId?: string;
  action?: string;
  outcome?: string;
  sinceMs?: number;
}

/** The statement for the filters that are set: each combination has its own plan. Values: before, since, limit, then those of the filters. */
export function auditLogStatement({ accountId, action, outcome }: AuditFilter): Statement {
  const filters = Object.entries({ account_id: accountId, action, outcome }).filter(([, value]) => value !== undefined);
  const conditions = filters.map(([column], index) =>
    // The index of refusals is for this word.
    column === 'outcome'
      ? `outcome = '${outcome === 'REFUSED' ? 'REFUSED' : 'SUCCEEDED'}'`
      : `${column} = $${index + 5}`,
  );
  return {
    name: ['audit-list', ...filters.map(([column, value]) => (column === 'outcome' ? value : column))].join('-'),
    text: `select ${COLUMNS} from audit.log
      where ${['(at_ms, id) < ($1, $2)', 'at_ms >= $3', ...conditions].join(' and ')}
      order by at_ms desc, id desc limit $4`,
  };
}

/** Entries of the log, newest first, before this place. */
export function readAuditLog(
  db: Queryable,
  asked: AuditFilter & { before: Position; limit: number },
): Promise<AuditRow[]> {
  const { accountId, action, sinceMs = 0, before, limit } = asked;
  const values = [accountId, action].filter((value) => value !== undefined);
  return db.query<AuditRow>(auditLogStatement(asked), [before.atMs, before.id, sinceMs, limit, ...values]);
}

/** The contract's entry; a word that this code does not know yet is UNSPECIFIED. */
export function auditLogEntry(row: AuditRow): AuditLogEntry {
  const { atMs, action, outcome, actorKind, ...rest } = row;
  return {
    ...rest,
    at: new Date(atMs),
    action: numberOf(Action, action),
    outcome: numberOf(Outcome, outcome),
    actorKind: numberOf(ActorKind, actorKind),
  };
}

function numberOf<Value extends number>(values: Record<string, Value | string>, name: string): Value {
  const found = Object.hasOwn(values, name) ? values[name] : 0;
  return (typeof found === 'number' ? found : 0) as Value;
}
