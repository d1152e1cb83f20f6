import { recordAudit } from '../../../services/auth/audit/audit-log.ts';
import { auditOwnerUrl } from '../servers/database.ts';
import { withClient } from '../servers/postgres-client.ts';
import type { StackPlan } from '../stack/plan.ts';
import type { EndedSessions } from './database.ts';

const clientOptions = { connectionTimeoutMillis: 5_000, application_name: 'oxo-restore' };

/**
 * Writes into the audit log that was put back that it was, and what was ended with it: what had ended after the backup may be there again.
 * @param writtenAt when the backup was
 */
export async function recordRestore(
  { urls, secrets }: StackPlan,
  writtenAt: string,
  ended: EndedSessions | undefined,
): Promise<void> {
  const details = { written: writtenAt, ...ended };
  await withClient(auditOwnerUrl(urls.database, secrets), clientOptions, (client) => {
    const log = {
      query: async <Row>({ text }: { text: string }, values: readonly unknown[] = []) =>
        (await client.query(text, [...values])).rows as Row[],
    };
    return recordAudit(
      log,
      { action: 'RESTORE_BACKUP', actor: { kind: 'OPERATOR', id: '' }, details },
      { requestId: '' },
    );
  });
}
