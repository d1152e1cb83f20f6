import type pg from 'pg';

/**
 * Gives the place of a connection that was lost in the middle of a transaction back to the pool. The mapper would keep it for
 * ever: it releases a connection after its rollback, and on a lost one the rollback fails. Without this every restart of the
 * server takes away as many connections as there were transactions, until the pool has none left.
 */
export function releaseLostConnections(pool: pg.Pool): void {
  const leased = new Set<pg.PoolClient>();
  const watched = new WeakSet<pg.PoolClient>();
  pool.on('release', (_error, client) => leased.delete(client));
  pool.on('acquire', (client) => {
    leased.add(client);
    // Not when it connects: the pool may have connections already.
    if (watched.has(client)) return;
    watched.add(client);
    // Whoever releases by itself has done so by the next turn.
    const release = () => leased.has(client) && client.release(true);
    client.once('end', () => setImmediate(release));
  });
}
