/** What all pages have in common: the frame, the style, and the way in which text comes into them. */

export const style = `
:root { color-scheme: light dark; --line: light-dark(#d5d9e0, #333b47); --soft: light-dark(#f4f6f9, #1b2028); --text: light-dark(#1b2430, #dfe5ee);
  --faint: light-dark(#5d6878, #97a3b5); --link: light-dark(#1257c2, #7fb2ff); --bad: light-dark(#b3261e, #ff8a80); --page: light-dark(#fff, #12161c);
  font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--page); }
body { margin: 0 auto; padding: 0 1.25rem 3rem; max-width: 84rem; }
header { display: flex; gap: 1.25rem; align-items: baseline; padding: .9rem 0; border-bottom: 1px solid var(--line); margin-bottom: 1rem; flex-wrap: wrap; }
header strong { font-size: 1.05rem; }
h1 { font-size: 1.35rem; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; }
a { color: var(--link); }
a[aria-current] { color: inherit; text-decoration: none; font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--faint); font-weight: 500; font-size: .87rem; }
td.number, th.number { text-align: right; white-space: nowrap; }
form { display: flex; gap: .75rem; flex-wrap: wrap; align-items: end; margin: 1rem 0; }
label { display: grid; gap: .15rem; font-size: .87rem; color: var(--faint); }
label.check { display: flex; gap: .35rem; align-items: center; padding-bottom: .4rem; }
input, select, button { font: inherit; padding: .3rem .5rem; border: 1px solid var(--line); border-radius: .3rem; background: var(--page); color: inherit; }
button { background: var(--soft); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
.faint { color: var(--faint); }
.bad, .failed { color: var(--bad); font-weight: 600; }
.facts { display: flex; gap: .3rem 1.5rem; flex-wrap: wrap; margin: .25rem 0 1rem; color: var(--faint); }
.facts b { color: var(--text); font-weight: 500; }
code { font: .9em ui-monospace, monospace; }
details { border-bottom: 1px solid var(--line); }
summary { display: grid; grid-template-columns: minmax(16rem, 5fr) 5.5rem 7fr; gap: .75rem; padding: .2rem 0; cursor: pointer; align-items: center; }
summary::-webkit-details-marker { display: none; }
summary span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
summary .number { text-align: right; font-variant-numeric: tabular-nums; }
details table { margin: .25rem 0 .75rem 1.5rem; width: calc(100% - 1.5rem); font-size: .9rem; }
.gap { display: grid; grid-template-columns: minmax(16rem, 5fr) 5.5rem 7fr; gap: .75rem; padding: .1rem 0; color: var(--faint); font-style: italic; border-bottom: 1px solid var(--line); align-items: center; }
.gap .number { text-align: right; font-style: normal; }
svg { display: block; width: 100%; }
svg text { fill: var(--faint); font: 11px system-ui, sans-serif; }
.bar { height: 14px; }
.grid { display: grid; grid-template-columns: repeat(24, minmax(0, 1fr)); gap: .75rem; }
.panel { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .75rem .6rem; background: var(--soft); min-width: 0; }
.panel h3 { font-size: .9rem; font-weight: 600; margin: 0 0 .35rem; }
.panel .stat { font-size: 1.7rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem .9rem; font-size: .8rem; color: var(--faint); margin-top: .25rem; }
.legend svg { display: inline-block; width: 10px; height: 10px; margin-right: .3rem; }
.row { grid-column: 1 / -1; margin: .75rem 0 0; }
${Array.from({ length: 24 }, (_, index) => `.w${index + 1} { grid-column: span ${index + 1}; }`).join(' ')}
@media (max-width: 50rem) { .panel { grid-column: 1 / -1; } summary, .gap { grid-template-columns: 1fr 5.5rem; } summary .bar, .gap .bar { grid-column: 1 / -1; } }
`;

/** Of what a text may stand in a page. */
export function escapeHtml(text: string | number | boolean): string {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export type Section = 'traces' | 'dashboards';

/** @param body HTML */
export function page(title: string, section: Section, body: string): string {
  const link = (name: Section, href: string): string =>
    `<a href="${href}"${name === section ? ' aria-current="page"' : ''}>${name === 'traces' ? 'Traces' : 'Dashboards'}</a>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · OXO</title><link rel="stylesheet" href="/style.css"></head>
<body><header><strong>OXO</strong><nav>${link('traces', '/')} &nbsp; ${link('dashboards', '/dashboards')}</nav></header>
<main><h1>${escapeHtml(title)}</h1>
${body}
</main></body></html>
`;
}

/** `0.42 ms`, `12.3 ms`, `1.20 s`. */
export function formatMs(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

/** A colour for a name: the same one everywhere, told apart in light and dark. */
export function colourOf(name: string): string {
  const known: Readonly<Record<string, number>> = { gateway: 265, auth: 20, user: 145, post: 215, feed: 300 };
  const hue = known[name] ?? ([...name].reduce((sum, character) => sum + character.charCodeAt(0), 0) * 47) % 360;
  return `hsl(${hue} 62% 55%)`;
}
