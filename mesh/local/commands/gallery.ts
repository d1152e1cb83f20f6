import { join, resolve } from 'node:path';
import { type Command, parseFlags } from '../cli/command.ts';
import { repositoryRoot } from '../settings.ts';

export const command: Command = {
  usage: `usage: ./oxo gallery [FOLDER]

Takes pictures of every page, in each language, on phone and desktop, light and dark, on a stack of its own that is stopped afterwards,
and prints the page that shows them all. It uses the machine's Chromium, or on Debian the one that apt has.

  FOLDER  where they go (.oxo/gallery)`,
  run: async (argv) => {
    const { positionals } = parseFlags(argv, {}, 1);
    const folder = resolve(positionals[0] ?? join(repositoryRoot, '.oxo/gallery'));
    const { takePictures } = await import('../../e2e/pages/gallery.ts');
    const pictures = await takePictures(folder);
    console.log(`${pictures.length} pictures: ${join(folder, 'index.html')}`);
    return 0;
  },
};
