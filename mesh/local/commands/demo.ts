import type { Command } from '../command.ts';

export const command: Command = {
  usage: `usage: ./oxo demo [--graph FILE]

Signs up the people of an edge list through the front door of a running stack, lets them follow, post, edit and delete, and
compares every feed with what the list demands. Then Redis is flushed, and all feeds are compared again.

  --graph FILE  one friendship a line, two numbers; without it a graph of 200 people is made up`,
  run: async (argv) => {
    const { runDemo } = await import('../demo/demo.ts');
    return runDemo(argv);
  },
};
