import type pg from 'pg';
import { LATENCY_BUCKETS_SECONDS, type Metrics } from '#kit/observability/metrics.ts';

type Connect = pg.Pool['connect'];
type OnConnect = Parameters<Connect>[0];

/** Metrics of one pool: how many connections it has, who waits for one, and for how long, a connection that must be made included. */
export function measurePool(pool: pg.Pool, metrics: Metrics): void {
  const connections = metrics.gauge({
    name: 'oxo_db_pool_connections',
    help: 'Connections to Postgres that this process has open.',
    labelNames: ['state'],
  });
  const waiting = metrics.gauge({
    name: 'oxo_db_pool_waiting',
    help: 'Statements and transactions that wait for a connection.',
  });
  const waits = metrics.histogram({
    name: 'oxo_db_pool_wait_seconds',
    help: 'Time from asking for a connection to having one.',
    buckets: LATENCY_BUCKETS_SECONDS,
  });
  metrics.onCollect(() => {
    connections.set({ state: 'idle' }, pool.idleCount);
    connections.set({ state: 'used' }, pool.totalCount - pool.idleCount);
    waiting.set(pool.waitingCount);
  });

  const connect = pool.connect.bind(pool) as (onConnect: OnConnect) => void;
  function measured(onConnect: OnConnect): void {
    // One that is idle and that nobody else waits for is there at once: the clock is not asked.
    if (pool.idleCount > pool.waitingCount) {
      waits.observe(0);
      connect(onConnect);
      return;
    }
    const startedMs = performance.now();
    connect((...outcome) => {
      waits.observe((performance.now() - startedMs) / 1_000);
      onConnect(...outcome);
    });
  }
  // Both `pool.query` and the mapper come by here: the one with a callback, the other for a promise.
  pool.connect = ((onConnect?: OnConnect) => {
    if (onConnect !== undefined) return measured(onConnect);
    return new Promise((resolve, reject) => {
      measured((error, client) => (client === undefined ? reject(error) : resolve(client)));
    });
  }) as Connect;
}
