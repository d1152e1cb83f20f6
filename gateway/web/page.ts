import type { Description, Operation, Section } from './description.ts';
import { escapeHtml, renderMarkdown } from './markdown.ts';

/** URLs of what the page loads, all of them ours. */
export interface PageAssets {
  styles: readonly string[];
  scripts: readonly string[];
  openapi: string;
  icon: string;
}

/**
 * The page of the API reference. It holds the whole list of operations; the script puts the reference in which one can look closer and try
 * in its place. Nothing in it is inline: the policy of the page forbids it.
 */
export function renderPage(description: Description, { styles, scripts, openapi, icon }: PageAssets): string {
  const { title, version, sections } = description;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escapeHtml(title)} API reference</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${icon}">
${styles.map((url) => `<link rel="stylesheet" href="${url}">`).join('\n')}
${scripts.map((url) => `<script src="${url}" defer></script>`).join('\n')}
</head>
<body>
<a class="skip" href="#reference">Skip to the reference</a>
<header>
<h1>${escapeHtml(title)} API <small>${escapeHtml(version)}</small></h1>
<a href="${openapi}">openapi.yaml</a>
</header>
<nav aria-label="Operations">
<search id="search" hidden>
<label for="query">Search operations</label>
<input id="query" type="search" autocomplete="off" spellcheck="false" maxlength="100">
<p id="found" role="status"></p>
</search>
${sections.map(renderEntries).join('\n')}
</nav>
<main id="reference" tabindex="-1" data-openapi="${openapi}">
${renderMarkdown(description.description)}
<div id="ui"></div>
<div id="operations">
${sections.map(renderSection).join('\n')}
</div>
<h2 id="errors">Errors by reason</h2>
<dl>
${description.reasons.map(({ name, meaning }) => `<dt><code>${escapeHtml(name)}</code></dt><dd>${escapeHtml(meaning)}</dd>`).join('\n')}
</dl>
</main>
</body>
</html>
`;
}

/** As the reference has it too, so that a link leads to the same with a script and without. */
function anchorOf(section: Section, { id }: Operation): string {
  return escapeHtml(`/${section.name}/${id}`);
}

function renderMethod(method: string): string {
  return `<b class="method ${method.toLowerCase()}">${escapeHtml(method)}</b>`;
}

function renderEntries(section: Section): string {
  const entries = section.operations.map((operation) => {
    const words = `${operation.method} ${operation.path} ${operation.id} ${operation.summary} ${operation.description}`;
    return `<li data-words="${escapeHtml(words.toLowerCase())}"><a href="#${anchorOf(section, operation)}">${renderMethod(operation.method)} <span>${escapeHtml(operation.summary)}</span></a></li>`;
  });
  return `<section>\n<h2>${escapeHtml(section.name)}</h2>\n<ul>\n${entries.join('\n')}\n</ul>\n</section>`;
}

function renderSection(section: Section): string {
  const operations = section.operations.map((operation) => {
    const scopes = operation.scopes.map((scope) => `<code>${escapeHtml(scope)}</code>`).join(', ');
    return `<article id="${anchorOf(section, operation)}">
<h3>${renderMethod(operation.method)} <code>${escapeHtml(operation.path)}</code></h3>
${renderMarkdown(operation.description)}
${scopes === '' ? '' : `<p>Scopes: ${scopes}</p>`}
</article>`;
  });
  return `<section>\n<h2>${escapeHtml(section.name)}</h2>\n${renderMarkdown(section.description)}\n${operations.join('\n')}\n</section>`;
}
