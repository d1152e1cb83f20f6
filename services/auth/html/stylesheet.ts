import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const PARTS = ['base', 'forms', 'lists'];

/** The one stylesheet of all pages, as it stands in each of them. */
export const STYLE = PARTS.map((name) => readFileSync(new URL(`./styles/${name}.css`, import.meta.url), 'utf8'))
  .join('')
  .replace(/\s*\n\s*/g, '\n');
/** By which a policy allows it, and nothing else. */
export const STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;
