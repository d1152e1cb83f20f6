// The API reference in the browser: Swagger UI in place of the plain list, and a search over all operations beside it.
// It asks nobody but the origin that it came from, and keeps no token when the page is left.

const reference = document.getElementById('reference');
const root = document.documentElement;

const isDark = window.matchMedia('(prefers-color-scheme: dark)');
const followTheme = () => root.classList.toggle('dark-mode', isDark.matches);
isDark.addEventListener('change', followTheme);
followTheme();

/**
 * Swagger UI's parts in an order of ours, since the page has a head, an introduction and a landmark of its own; and what its elements lack for those who
 * do not see them: no link within a button, a name for the choice of an example.
 */
const parts = ({ React: { createElement, useLayoutEffect } }) => ({
  components: {
    Reference: ({ getComponent, specSelectors }) => {
      const part = (name, isContainer = true) => createElement(getComponent(name, isContainer), { key: name });
      const whenRead = [
        createElement('div', { key: 'authorize', className: 'scheme-container' }, part('AuthorizeBtnContainer')),
        part('operations'),
        part('Models'),
      ];
      return createElement('div', { className: 'swagger-ui' }, [
        part('SvgAssets', false),
        part('errors'),
        ...(specSelectors.loadingStatus() === 'success' ? whenRead : []),
      ]);
    },
  },
  wrapComponents: {
    // Each of its fields asks for the focus when it appears, and the last one gets it: the window would open at its end.
    authorizationPopup: (Original) => (props) => {
      useLayoutEffect(() => document.querySelector('.auth-container input')?.focus(), []);
      return createElement(Original, props);
    },
    DeepLink:
      () =>
      ({ text }) =>
        createElement('span', null, text),
    ExamplesSelect: (Original) => (props) =>
      createElement(
        'label',
        null,
        createElement('span', { className: 'unseen' }, 'Example'),
        createElement(Original, props),
      ),
  },
});

const ui = window.SwaggerUIBundle({
  url: reference.dataset.openapi,
  domNode: document.getElementById('ui'),
  presets: [window.SwaggerUIBundle.presets.apis],
  plugins: [parts],
  layout: 'Reference',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  requestSnippetsEnabled: true,
  queryConfigEnabled: false,
  // Its other ones are hard to read.
  syntaxHighlight: { theme: 'obsidian' },
  // The one that it knows is somebody else's.
  validatorUrl: null,
  withCredentials: false,
  oauth2RedirectUrl: new URL('/docs/signed-in', window.location.origin).href,
  onComplete: () => document.getElementById('operations').remove(),
});
// auth knows this client of itself (`reference-client.ts`).
ui.initOAuth({ clientId: 'api-reference', usePkceWithAuthorizationCodeGrant: true, scopeSeparator: ' ' });

/** Opens the operation that the address names, as "#/Post/createPost"; of the first one Swagger UI takes care. */
function showLinked() {
  const [, tag, id] = decodeURIComponent(window.location.hash).split('/');
  if (tag === undefined || id === undefined) return;
  ui.layoutActions.show(['operations-tag', tag], true);
  ui.layoutActions.show(['operations', tag, id], true);
  window.requestAnimationFrame(() => document.getElementById(`operations-${tag}-${id}`)?.scrollIntoView());
}
window.addEventListener('hashchange', showLinked);

const query = document.getElementById('query');
const found = document.getElementById('found');
const entries = [...document.querySelectorAll('nav li')];

/** Shows the operations that hold every word. */
function search() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const entry of entries) {
    entry.hidden = !words.every((word) => entry.dataset.words.includes(word));
    if (!entry.hidden) count += 1;
  }
  for (const section of document.querySelectorAll('nav section')) {
    section.hidden = section.querySelector('li:not([hidden])') === null;
  }
  found.textContent = words.length === 0 ? '' : `${count} of ${entries.length}`;
}
query.addEventListener('input', search);
document.getElementById('search').hidden = false;
document.addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof Element && event.target.matches('input, textarea, select');
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  query.focus();
});
