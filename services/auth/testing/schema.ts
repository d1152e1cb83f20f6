import type { TestSchema } from '#kit/testing/database.ts';
import { AUDIT_PRUNING, AUDIT_TABLE_V1 } from '../audit/audit-table.ts';
import { entities, migrations } from '../schema.ts';

/** The tables of auth, with the audit log beside them. */
export const testSchema: TestSchema = {
  entities,
  migrations,
  setUp: `create schema audit; ${AUDIT_TABLE_V1} ${AUDIT_PRUNING}`,
};
