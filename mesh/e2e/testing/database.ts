import type pg from 'pg';
import { withClient } from '../../local/servers/postgres-client.ts';

const options = { connectionTimeoutMillis: 10_000, application_name: 'oxo-e2e' };

/** Looks into a database of a stack, or changes it behind the services' backs. @param url says as whom. Rejects as the work does */
export function inDatabase<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  return withClient(url, options, use);
}
