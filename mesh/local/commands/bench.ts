import type { Command } from '../command.ts';

export const command: Command = {
  usage: `usage: ./oxo bench [--json FILE]

Measures feed reads, post writes with their fan-out, and the time until a post is visible, beside a bare echo behind the
same Envoy in the same run: rate, p50, p99, and CPU time of all servers a request.

  --json FILE  write the results there as well`,
  run: async (argv) => {
    const { runBench } = await import('../../bench/bench.ts');
    return runBench(argv);
  },
};
