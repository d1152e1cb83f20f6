import { cookieKeys } from '../oauth/interactions/cookies.ts';

/** What the form of a page belongs to. */
export interface FormOwner {
  page: string;
  /** Of the browser that holds its cookie: only that browser is ever shown the token. */
  interactionId: string;
  /** Who is signed in in the browser. */
  accountId: string | undefined;
}

/** Show that a form that is posted is one that we have given to this browser, for this request of a client and this person. */
export interface FormTokens {
  tokenOf(owner: FormOwner): string;
  isTokenOf(owner: FormOwner, token: string): boolean;
}

/** @param secrets the first signs, all verify */
export function createFormTokens(secrets: readonly string[]): FormTokens {
  const keys = cookieKeys(secrets, 'forms of pages');
  const textOf = ({ page, interactionId, accountId }: FormOwner) => JSON.stringify([page, interactionId, accountId]);
  return {
    tokenOf: (owner) => keys.sign(textOf(owner)),
    isTokenOf: (owner, token) => keys.verify(textOf(owner), token),
  };
}
