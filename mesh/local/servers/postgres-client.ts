import pg from 'pg';

export type ClientOptions = pg.ClientConfig & {
  readonly connectionTimeoutMillis: number;
  /** By which pg_stat_activity tells who it is. */
  readonly application_name: string;
};

/** Uses one connection for a piece of work, and closes it whatever comes of that. Rejects as the work does, or when the server is away. */
export async function withClient<T>(
  url: string,
  options: ClientOptions,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, ...options });
  // What breaks the connection fails the statement; without a listener it would end this process.
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => {});
  }
}
