import { validate } from '#kit/validate.ts';
import { sendPage } from '../../../html/send.ts';
import type { HttpExchange } from '../../../http/server.ts';
import { ACCOUNT_PAGES } from '../../../oauth/routes.ts';
import { deviceName } from '../../../origin/device-name.ts';
import { registrationInput, renameInput } from '../../../passkeys/passkey-input.ts';
import type { Passkeys } from '../../../passkeys/passkeys.ts';
import type { Profiles } from '../../../profiles/profiles.ts';
import { goOn } from '../../page-handlers.ts';
import { type PasskeyQuestion, type Question, readCredential } from '../../passkey-question.ts';
import { type Refusal, refusalOf } from '../../refusals.ts';
import type { AccountPage, AccountVisit } from '../../signed-in.ts';
import { callOfVisit } from '../../visit.ts';
import { doneIn } from '../layout.ts';
import { passkeysPage, renamePage } from './passkeys-page.ts';

const PATH = ACCOUNT_PAGES.passkeys;

/** What lets a person in without a password: added by a script, renamed and deleted without. */
export function passkeys(parts: {
  passkeys: Omit<Passkeys, 'beginRegistration'>;
  passkeyQuestion: Pick<PasskeyQuestion, 'ofRegistration'>;
  profiles: Pick<Profiles, 'byId'>;
  issuer: string;
}): AccountPage {
  const { passkeyQuestion, profiles, issuer } = parts;

  /** @returns as well why there is none, where those that there are can be looked after all the same */
  async function questionFor(
    exchange: HttpExchange,
    { session: { accountId, sessionId }, texts }: AccountVisit,
  ): Promise<{ question: Question | undefined; refusal?: Refusal }> {
    try {
      const user = await profiles.byId(accountId, exchange);
      const names = { handle: user?.handle ?? accountId, displayName: user?.displayName ?? '' };
      return { question: await passkeyQuestion.ofRegistration({ userId: accountId, sessionId }, names) };
    } catch (error) {
      return { question: undefined, refusal: refusalOf(exchange, error, texts) };
    }
  }

  async function show(
    exchange: HttpExchange,
    visit: AccountVisit,
    said: { name?: string; refusal?: Refusal } = {},
  ): Promise<void> {
    const listed = await parts.passkeys.list(visit.session.accountId);
    const { question, refusal } = await questionFor(exchange, visit);
    const page = passkeysPage(visit, {
      ...{ passkeys: listed, question, refusal: said.refusal ?? refusal },
      name: said.name ?? deviceName(exchange.device.userAgent) ?? '',
      done: doneIn(visit, visit.texts.account.passkeys.done),
    });
    sendPage(exchange.response, said.refusal?.status ?? 200, page);
  }

  /** @returns what was done */
  async function act(exchange: HttpExchange, visit: AccountVisit, form: URLSearchParams): Promise<string> {
    const { accountId: userId, sessionId } = visit.session;
    const call = callOfVisit(exchange, visit);
    const [id, name] = [form.get('id') ?? '', form.get('name') ?? ''];
    switch (form.get('action')) {
      case 'rename':
        await parts.passkeys.rename(userId, validate(renameInput, { id, name }));
        return 'renamed';
      case 'delete':
        await parts.passkeys.delete({ userId, sessionId }, validate(renameInput, { id, name: '-' }).id, call);
        return 'deleted';
      default: {
        const credential = readCredential(form.get('credential') ?? '');
        const added = validate(registrationInput, { name, credential });
        await parts.passkeys.finishRegistration({ userId, sessionId }, added, call);
        return 'added';
      }
    }
  }

  return {
    path: PATH,
    isSensitive: true,
    async get(exchange, visit) {
      const id = exchange.query.get('rename');
      const listed = id === null ? [] : await parts.passkeys.list(visit.session.accountId);
      const renamed = listed.find((each) => each.id === id);
      if (renamed !== undefined) return sendPage(exchange.response, 200, renamePage(visit, renamed));
      await show(exchange, visit);
    },
    async post(exchange, visit, form) {
      let done: string;
      try {
        done = await act(exchange, visit, form);
      } catch (error) {
        const refusal = refusalOf(exchange, error, visit.texts);
        const [action, name] = [form.get('action'), form.get('name') ?? ''];
        if (action !== 'rename' || refusal.fields.name === undefined)
          return show(exchange, visit, { refusal, ...(action === 'add' ? { name } : {}) });
        return sendPage(
          exchange.response,
          refusal.status,
          renamePage(visit, { id: form.get('id') ?? '', name }, refusal),
        );
      }
      goOn(exchange, visit.whenDone(done), issuer);
    },
  };
}
