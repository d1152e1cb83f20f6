import { crowdSeconds, parts } from '../../bench/parts.ts';
import type { Command } from '../cli/command.ts';

const partLines = parts.map(
  ({ name, seconds, summary }) => `  ${name.padEnd(10)} ${String(seconds).padStart(3)} s  ${summary}`,
);
const minutes = Math.ceil((crowdSeconds + parts.reduce((sum, { seconds }) => sum + seconds, 0)) / 60);

export const command: Command = {
  usage: `usage: ./oxo bench [--only PART[,PART]] [--growth] [--quick] [--json FILE] [--profile DIR] [--seconds N] [--viewers N]
       ./oxo bench --soak MINUTES [--viewers N]
       ./oxo bench --telemetry [--traced PERCENT] [--seconds N] [--viewers N] [--json FILE]

Measures the stack that runs here, and prints each figure beside its budget: rate, p50, p99, and CPU time of all servers
a request, less what they use when idle. All of it takes about ${minutes} minutes on two cores, of which ${crowdSeconds} s are for signing
people up and warming up. Times drift with the machine; CPU a request beside the echo's in the same run holds.

${partLines.join('\n')}

What was acknowledged is looked for in 40 feeds at the end, which are read to their end.

  --only PART    only these parts, for example --only mixed,half-load
  --profile DIR  no figures: CPU profiles of the services under these parts, written there, and where their time goes
  --growth       the part growth also with 100,000 people, about 5 minutes more
  --quick        200 viewers, 3 s each, without growth: whether it works, rather than how fast it is
  --json FILE    write the results there as well
  --seconds N    how long each measurement under load runs (10)
  --viewers N    people who sign up, read, and write for one another (1000)

  --soak MINUTES puts it under full load instead, nine reads to a post, and prints the memory of every process and how
                 fast it grows

  --telemetry    starts two stacks of its own, with metrics and traces (as up --observability) and without, and prints how much more CPU
                 GET /feed and POST /posts take with them; six pairs of turns of N seconds (10), about 6 minutes.
                 So many of a hundred requests are traced (1, as in a cluster; an observed stack on one machine traces all)`,
  run: async (argv) => {
    if (argv.some((word) => word.startsWith('--soak'))) {
      const { runSoak } = await import('../../bench/soak/soak.ts');
      return runSoak(argv);
    }
    if (argv.includes('--telemetry')) {
      const { runTelemetry } = await import('../../bench/telemetry/run-telemetry.ts');
      return runTelemetry(argv);
    }
    const { runBench } = await import('../../bench/bench.ts');
    return runBench(argv);
  },
};
