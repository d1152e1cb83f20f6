import { Redis } from 'ioredis';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { ownerOf, userNames } from '../credentials/turns.ts';
import { monitoringUser, type RedisUsers, rulesOf } from './redis-acl.ts';

/** The parts of a rule that take all that was there before. */
const takingAway = ['reset', 'nocommands'];

/**
 * Makes our users on a Redis server that runs already, and takes away those whose turn is over.
 * @param keep true: users also keep what they may do already, since services of another version run
 * @throws CliError when the URL's user may not do that
 */
export async function setUpOwnRedis(url: string, users: RedisUsers, keep = false): Promise<string> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 5_000,
    commandTimeout: 5_000,
    retryStrategy: () => null,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    for (const [name, rule] of rulesOf(users)) {
      const kept = rule.filter((part) => !keep || !takingAway.includes(part));
      await client.call('ACL', 'SETUSER', name, ...kept);
    }
    // Whose turn is over; that ends his connections too.
    const names = [...users.services.keys(), ...(users.ratelimit ?? new Map()).keys()];
    const others = names.flatMap((name) => userNames(ownerOf(name))).filter((name) => !names.includes(name));
    if (!keep && users.monitoring?.length === 0) others.push(monitoringUser);
    if (others.length > 0) await client.call('ACL', 'DELUSER', ...others);
    // Without an ACL file there is nothing to save to, and a restart of that server forgets the users until the next `up`.
    const saved = await client.call('ACL', 'SAVE').then(
      () => true,
      () => false,
    );
    return saved ? 'REDIS_URL is yours' : 'REDIS_URL is yours and has no ACL file: run up again after it restarts';
  } catch (error) {
    throw new CliError(`users can't be set up in Redis: ${messageOf(error)}`, {
      advice: ['REDIS_URL must name a user who may do ACL SETUSER, on Redis or Valkey ≥ 7.'],
      cause: error,
    });
  } finally {
    client.disconnect();
  }
}
