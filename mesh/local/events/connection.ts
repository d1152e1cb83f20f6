import type { NatsConnection } from '@nats-io/transport-node';
import { withTimeLimit } from '#kit/time-limit.ts';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { connectOnce } from '../servers/nats.ts';
import { readSettings } from '../settings.ts';
import { planStack } from '../stack/plan.ts';
import { withRunningSettings } from '../supervisor/state.ts';

const connectTimeoutMs = 2_000;

/**
 * Does a piece of work with NATS of this stack, as its administrator.
 * @param timeoutMs none for work that grows with what there is; each of its requests has an end of its own
 * @throws CliError when NATS is away or does not answer
 */
export async function withEvents<T>(work: (connection: NatsConnection) => Promise<T>, timeoutMs?: number): Promise<T> {
  const plan = planStack(withRunningSettings(readSettings(process.env)));
  const connection = await connectOnce(plan.urls.nats, connectTimeoutMs).catch(away);
  try {
    return await (timeoutMs === undefined
      ? work(connection)
      : withTimeLimit(work(connection), timeoutMs, 'it does not answer'));
  } catch (error) {
    if (error instanceof CliError) throw error;
    return away(error);
  } finally {
    await connection.close();
  }
}

function away(error: unknown): never {
  throw new CliError(`NATS is away: ${messageOf(error)}`, {
    advice: ['./oxo status tells whether it runs; ./oxo up starts it, and makes its streams'],
    cause: error,
  });
}
