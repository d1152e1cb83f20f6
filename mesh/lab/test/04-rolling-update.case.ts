/** Everything is replaced, pod by pod, while people write and read: no request fails, and nothing is lost or doubled. */
import { test } from 'node:test';
import { restart, rolledOut } from './deployments.ts';
import { startLoad } from './load.ts';
import { until } from './pods.ts';

for (const parts of [['post'], ['user', 'feed'], ['auth', 'gateway'], ['ratelimit', 'istio-ingress/ingress']]) {
  test(`${parts.join(' and ')}: another version under load`, async (context) => {
    const load = await startLoad();
    try {
      await until('the load runs', 30_000, async () => load.answered() > 20);
      for (const part of parts) await restart(part, new Date().toISOString());
      for (const part of parts) await rolledOut(part);
      const before = load.answered();
      await until('the load runs on', 30_000, async () => load.answered() > before + 20);
    } finally {
      context.diagnostic(`${await load.stop()} requests`);
    }
  });
}
