import type { Command } from '../cli/command.ts';

export const command: Command = {
  usage: `usage: ./oxo demo [--graph FILE] [--pull-above N]

Signs up the people of an edge list through the front door of a running stack, lets them follow, post, edit and delete, and
compares every feed with what the list demands. Then Redis is flushed, and all feeds are compared again.

  --graph FILE  one friendship a line, two numbers; without it a graph of 200 people is made up
  --pull-above N
                authors with more followers than N are pulled. The stack must have been started with the same number
                (OXO_MAX_PUSHED_FOLLOWERS=N ./oxo up). Some authors then lose and win followers while all write, so that
                they cross the limit in both directions`,
  run: async (argv) => {
    const { runDemo } = await import('../demo/demo.ts');
    return runDemo(argv);
  },
};
