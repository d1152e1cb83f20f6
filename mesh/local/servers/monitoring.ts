import { databaseName } from './postgres.ts';
import { type ClientOptions, withClient } from './postgres-client.ts';
import { scramVerifier } from './scram.ts';

/** Reads the statistics of the server, and no table. */
export const monitoringRole = 'oxo_monitoring';
const maxConnections = 4;
const statementTimeoutMs = 4_000;

const clientOptions: ClientOptions = {
  connectionTimeoutMillis: 5_000,
  application_name: 'oxo',
  statement_timeout: 30_000,
};

/**
 * Makes the role by which an exporter asks Postgres how it does, or closes it.
 * @param url an administrator's, of the database `oxo`
 * @param password undefined: nobody comes in by this role any more
 */
export async function setUpMonitoring(url: string, password: string | undefined): Promise<void> {
  await withClient(url, clientOptions, async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [monitoringRole]);
    if (password === undefined) {
      if (rowCount === 0) return;
      await client.query(`ALTER ROLE ${monitoringRole} NOLOGIN PASSWORD NULL`);
      await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [monitoringRole]);
      return;
    }
    if (rowCount === 0) await client.query(`CREATE ROLE ${monitoringRole} NOCREATEDB NOCREATEROLE`);
    await client.query(`ALTER ROLE ${monitoringRole} RESET ALL`);
    await client.query(`ALTER ROLE ${monitoringRole} SET default_transaction_read_only = on`);
    await client.query(`ALTER ROLE ${monitoringRole} SET statement_timeout = ${statementTimeoutMs}`);
    await client.query(`GRANT pg_monitor TO ${monitoringRole}`);
    await client.query(`GRANT CONNECT ON DATABASE ${databaseName} TO ${monitoringRole}`);
    await client.query(
      `ALTER ROLE ${monitoringRole} LOGIN CONNECTION LIMIT ${maxConnections} PASSWORD '${scramVerifier(password)}'`,
    );
  });
}
