/** Services are replaced, pod by pod, while people write and read: no request fails, and nothing is lost or doubled. */
import { test } from 'node:test';
import { startLoad } from './load.ts';
import { restart, rolledOut, until } from './pods.ts';

for (const services of [['post'], ['user', 'feed'], ['auth', 'gateway']]) {
  test(`${services.join(' and ')}: another version under load`, async (context) => {
    const load = await startLoad();
    try {
      await until('the load runs', 30_000, async () => load.answered() > 20);
      for (const service of services) await restart(service, new Date().toISOString());
      for (const service of services) await rolledOut(service);
      const before = load.answered();
      await until('the load runs on', 30_000, async () => load.answered() > before + 20);
    } finally {
      context.diagnostic(`${await load.stop()} requests`);
    }
  });
}
