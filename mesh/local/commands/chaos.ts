import type { Command } from '../cli/command.ts';

export const command: Command = {
  usage: `usage: ./oxo chaos [--kills N] [--seed S] [--people P] [--json]

Lets people post, edit, delete, follow, unfollow and read through the front door of the stack that runs (./oxo up, with any
number of replicas), while its processes are killed with -9 in turn at random moments: services, Envoy, Postgres, Redis and
NATS. A request whose answer was lost is sent again with the same Idempotency-Key. Then all that was acknowledged is compared
with every feed and every list, page by page, and with Postgres. Exit code 0 only when nothing is lost, doubled, out of
place or wrong. The people stay.

  --kills N   in all (40); 200 take about ten minutes
  --seed S    another order and other moments (1)
  --people P  so many (30)
  --json      the result for programs`,
  run: async (argv) => {
    const { runChaos } = await import('../chaos/chaos.ts');
    return runChaos(argv);
  },
};
