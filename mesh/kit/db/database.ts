import { type EntityManager, MikroORM, type Options } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';
import type pg from 'pg';
import { databaseError } from '#kit/db/away.ts';
import { releaseLostConnections } from '#kit/db/lost-connections.ts';
import { measurePool } from '#kit/db/pool-metrics.ts';
import { tlsOf } from '#kit/db/tls.ts';
import { unavailable } from '#kit/errors.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import { SQL_TRANSACTION, sqlAttributes } from '#kit/observability/semantics.ts';
import { type Span, SpanKind, withSpan } from '#kit/observability/trace.ts';

/** A prepared statement: Postgres parses and plans it once a connection. The name also names its span. */
export interface Statement {
  name: string;
  text: string;
}

/** What runs statements: the database itself, each statement in a transaction of its own, or a transaction. */
export interface Queryable {
  /** Rows of the statement. @param values for $1, $2, … @throws OxoError UNAVAILABLE when the database is away, or busy */
  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
}

export interface Transaction extends Queryable {
  /** The unit of work of this transaction; what it holds is written when the work is done. */
  em: EntityManager;
}

export interface Database extends Queryable {
  /** Runs the work in one transaction: its state and its events are written together or not at all. */
  transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>;
  /** Fails when the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  url: string;
  /** The most connections that this process holds. */
  poolSize: number;
  /** MikroORM entities of the service. */
  entities: NonNullable<Options['entities']>;
  /** Where the pool is measured, by a process that serves. */
  metrics?: Metrics;
}

/** A statement that takes longer is cancelled by Postgres, so that no request holds a connection for ever. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** A request that gets no connection in this time fails, so that requests do not queue without end. */
const CONNECTION_TIMEOUT_MS = 3_000;
const IDLE_CONNECTION_MS = 30_000;
/** Statements that may wait for a connection: a healthy server is through with them in a fraction of a second. */
const MAX_WAITING = 256;

/** Settings of MikroORM that all services and their migrations share. */
export function ormOptions(options: DatabaseOptions): Options {
  return {
    clientUrl: options.url,
    // As for pg itself, a parameter names the folder of a socket; MikroORM does not look for it.
    host: new URL(options.url).searchParams.get('host') ?? undefined,
    entities: options.entities,
    discovery: { warnWhenNoEntities: false },
    // It would write lines that are no JSON. What fails is thrown, and logged by whoever called.
    logger: () => undefined,
    pool: { min: 0, max: options.poolSize, idleTimeoutMillis: IDLE_CONNECTION_MS },
    driverOptions: {
      ...tlsOf(options.url),
      connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    },
  };
}

/**
 * Opens the service's own schema. `query` runs prepared statements on the pool that MikroORM holds too, so that a process
 * has one pool; hot paths use it, because MikroORM writes values into the text of a statement and cannot prepare it.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const orm = await MikroORM.init(ormOptions(options));
  const pool = (await orm.em.getConnection().getNativeClient()) as pg.Pool;
  releaseLostConnections(pool);
  if (options.metrics !== undefined) measurePool(pool, options.metrics);

  function refuseWhenBusy(): void {
    if (pool.waitingCount >= MAX_WAITING) throw unavailable('The database is busy.');
  }

  return {
    query<Row>(statement: Statement, values: readonly unknown[] = []) {
      return inSpan(statement, async () => {
        refuseWhenBusy();
        const { rows } = await pool.query({ ...statement, values: values as unknown[] }).catch(rethrow);
        return rows as Row[];
      });
    },
    async transaction<Result>(work: (tx: Transaction) => Promise<Result>) {
      refuseWhenBusy();
      return await withSpan('sql transaction', SpanKind.CLIENT, SQL_TRANSACTION, () =>
        orm.em
          .fork()
          .transactional((em) => work(transactionOf(em as EntityManager)))
          .catch(rethrow),
      );
    },
    ping: async () => void (await pool.query('select 1')),
    close: () => orm.close(true),
  };
}

function inSpan<Result>(statement: Statement, run: (span: Span) => Promise<Result>): Promise<Result> {
  return withSpan(`sql ${statement.name}`, SpanKind.CLIENT, () => sqlAttributes(statement), run);
}

function rethrow(error: unknown): never {
  throw databaseError(error);
}

function transactionOf(em: EntityManager): Transaction {
  const context = em.getTransactionContext();
  if (context === undefined) throw new Error('A transaction has no connection.');
  return {
    em,
    query<Row>(statement: Statement, values: readonly unknown[] = []) {
      return inSpan(statement, async () => {
        const { rows } = await context.executeQuery(CompiledQuery.raw(statement.text, [...values]));
        return rows as Row[];
      });
    },
  };
}
