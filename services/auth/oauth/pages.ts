/** What the provider asks to be shown to a person. Each gives a whole page of HTML; `lang` and style are the pages' own. */
export interface OAuthPages {
  /** The request cannot go on, and there is nowhere to send the person back to. */
  failed(problem: { error: string; description: string }): string;
  /** Asks for the code that a device shows: a form with `xsrf` and `user_code`. */
  deviceCode(form: Form & { userCode: string; problem: DeviceProblem | undefined }): string;
  /** Asks whether the device is theirs: a form with `xsrf`, `user_code` and `confirm=yes`, or with `abort=yes` besides. */
  deviceConfirm(form: Form & { userCode: string; clientName: string }): string;
  deviceDone(client: { clientName: string }): string;
  /** Asks whether to sign out: a form with `xsrf`, and `logout=yes` to do so. */
  signOut(form: Form & { clientName: string | undefined }): string;
  signedOut(client: { clientName: string | undefined }): string;
}

/** A form that is posted to `action` as application/x-www-form-urlencoded; `xsrf` shows that it is ours. */
export interface Form {
  action: string;
  xsrf: string;
}

/** WRONG_CODE: none, unknown, expired or used; ABORTED: the person said no; FAILED: anything else. */
export type DeviceProblem = 'WRONG_CODE' | 'ABORTED' | 'FAILED';

/** No page of ours needs a script; the library's own, which posts a form by itself, is added by its hash. */
export const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** Text as it may stand in HTML, between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
