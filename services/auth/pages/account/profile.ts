import type { User } from '#gen/oxo/user/v1/user.ts';
import { MAX_DISPLAY_NAME_CHARACTERS } from '../../accounts/account-input.ts';
import type { OwnProfile } from '../../accounts/own-profile.ts';
import { field, hidden } from '../../html/fields.ts';
import { html } from '../../html/html.ts';
import { sendPage } from '../../html/send.ts';
import type { HttpExchange } from '../../http/server.ts';
import { LANGUAGES } from '../../i18n/language.ts';
import { ACCOUNT_PAGES } from '../../oauth/routes.ts';
import { goOn } from '../page-handlers.ts';
import { type Refusal, refusalOf } from '../refusals.ts';
import type { AccountPage, AccountVisit } from '../signed-in.ts';
import { LANGUAGE_NAMES } from '../texts/texts.ts';
import { accountLayout, doneIn } from './layout.ts';

const PATH = ACCOUNT_PAGES.profile;
/** What the user service takes. */
const MAX_BIO_CHARACTERS = 500;
const MAX_LOCATION_CHARACTERS = 60;
const MAX_LINKS_CHARACTERS = 1_600;

type Typed = Pick<User, 'displayName' | 'bio' | 'location' | 'locale' | 'etag'> & { links: string };

/** What others see of a person, and how they want to be spoken to. */
export function profile({ ownProfile, issuer }: { ownProfile: OwnProfile; issuer: string }): AccountPage {
  return {
    path: PATH,
    async get(exchange, visit) {
      const user = await ownProfile.read(visit.session, exchange);
      show(exchange, visit, { ...user, links: user.links.join('\n') });
    },
    async post(exchange, visit, form) {
      const text = (name: string) => (form.get(name) ?? '').replaceAll('\r\n', '\n');
      const links = text('links');
      const typed = {
        ...{ displayName: text('displayName').trim(), bio: text('bio').trim(), location: text('location').trim() },
        ...{ locale: text('locale'), etag: text('etag') },
      };
      const each = links.split('\n').map((link) => link.trim());
      try {
        await ownProfile.update(visit.session, { ...typed, links: each.filter((link) => link !== '') }, exchange);
      } catch (error) {
        return show(exchange, visit, { ...typed, links }, refusalOf(exchange, error, visit.texts));
      }
      goOn(exchange, visit.whenDone('saved'), issuer);
    },
  };
}

function show(exchange: HttpExchange, visit: AccountVisit, typed: Typed, refusal?: Refusal): void {
  const { profile: texts } = visit.texts.account;
  const { fields: problems = {} } = refusal ?? {};
  const first = (['displayName', 'bio', 'links', 'location'] as const).find((name) => problems[name] !== undefined);
  const common = (name: 'displayName' | 'bio' | 'links' | 'location') => ({
    ...{ name, label: texts[name], value: typed[name], problem: problems[name], isOptional: true },
    isFirst: first === name,
  });
  const locales = new Set(['', ...LANGUAGES, typed.locale]);
  const options = [...locales].map(
    (tag) =>
      html`<option value="${tag}"${tag === typed.locale && html` selected`}>${nameOf(tag, texts.noLocale)}</option>`,
  );
  const body = html`<form method="post" action="${PATH}">
${hidden({ token: visit.token, etag: typed.etag })}${field({ ...common('displayName'), maxLength: MAX_DISPLAY_NAME_CHARACTERS, autocomplete: 'name' })}${field(
  {
    ...{ ...common('bio'), hint: texts.bioHint, lines: 4, maxLength: MAX_BIO_CHARACTERS, autocomplete: 'off' },
  },
)}${field({
  ...{ ...common('links'), hint: texts.linksHint, lines: 3, maxLength: MAX_LINKS_CHARACTERS, autocomplete: 'url' },
  isExact: true,
})}${field({ ...common('location'), maxLength: MAX_LOCATION_CHARACTERS, autocomplete: 'off' })}<div class="field"><label for="locale">${texts.locale}</label>
<select id="locale" name="locale">${options}</select></div>
<p class="actions"><button type="submit">${texts.submit}</button></p>
</form>`;
  const done = doneIn(visit, { saved: texts.saved });
  const page = accountLayout(visit, 'profile', { problem: refusal?.problem, done, body });
  sendPage(exchange.response, refusal?.status ?? 200, page);
}

function nameOf(tag: string, none: string): string {
  const language = LANGUAGES.find((each) => each === tag);
  if (language !== undefined) return LANGUAGE_NAMES[language];
  return tag === '' ? none : tag;
}
