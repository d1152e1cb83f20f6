import { setTimeout as delay } from 'node:timers/promises';
import { ensureDurables } from '#kit/events/consumers/durables.ts';
import { ensureStreams, type StreamSettings } from '#kit/events/jetstream/streams.ts';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { durablesOf, type ServiceDefinition } from '../services.ts';
import { connectOnce } from './nats.ts';

const maxAttempts = 10;
const pauseMs = 200;

/**
 * Makes the streams and the services' consumers, or brings them up to date. Can be repeated.
 * @throws CliError when the URL's user may not do that
 */
export async function setUpStreams(
  url: string,
  services: readonly ServiceDefinition[],
  settings: StreamSettings = {},
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await setUpOnce(url, services, settings);
    } catch (error) {
      if (attempt < maxAttempts && isCut(error)) {
        await delay(pauseMs);
        continue;
      }
      throw new CliError(`streams can't be set up in NATS: ${messageOf(error)}`, {
        advice: ['NATS_URL must name a user who may make streams, on a server with JetStream.'],
        cause: error,
      });
    }
  }
}

async function setUpOnce(url: string, services: readonly ServiceDefinition[], settings: StreamSettings): Promise<void> {
  const connection = await connectOnce(url);
  try {
    await ensureStreams(connection, settings);
    for (const service of services) await ensureDurables(connection, await durablesOf(service));
  } finally {
    await connection.close();
  }
}

/** A server that takes users anew cuts connections, refuses who greets it just then, and is not asked when it has done so. */
function isCut(error: unknown): boolean {
  return /EPIPE|ECONNRESET|closed|disconnect|authorization violation/i.test(messageOf(error));
}
