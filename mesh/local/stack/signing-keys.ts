import type pg from 'pg';
import type { ServiceDefinition } from '../services.ts';

export type SigningKey = {
  readonly state: string;
  /** When it began to sign, milliseconds since the epoch; undefined when it does not yet. */
  readonly sinceMs: number | undefined;
};

/**
 * The keys that sign tokens, without what is secret of them. Undefined when there is no table yet.
 * @param client of auth's own user
 */
export async function readSigningKeys(
  client: pg.Client,
  { schema }: Pick<ServiceDefinition, 'schema'>,
): Promise<SigningKey[] | undefined> {
  const exists = await client.query('SELECT to_regclass($1) AS found', [`${schema}.signing_keys`]);
  if (exists.rows[0]?.found === null) return undefined;
  const { rows } = await client.query<{ state: string; since: number | null }>(
    `SELECT state, activated_at_ms::float8 AS since FROM ${schema}.signing_keys`,
  );
  return rows.map(({ state, since }) => ({ state, sinceMs: since ?? undefined }));
}
