import type { Page } from '../../pages/layout.ts';

/** What the provider asks to be shown to a person. */
export interface OAuthPages {
  /** The request cannot go on, and there is nowhere to send the person back to. */
  failed(problem: { error: string; description: string }): Page;
  /** Asks for the code that a device shows: a form with `xsrf` and `user_code`. */
  deviceCode(form: Form & { userCode: string; problem: DeviceProblem | undefined }): Page;
  /** Asks whether the device is theirs: a form with `xsrf`, `user_code` and `confirm=yes`, or with `abort=yes` besides. */
  deviceConfirm(form: Form & { userCode: string; clientName: string }): Page;
  deviceDone(client: { clientName: string }): Page;
  /** Asks whether to sign out: a form with `xsrf`, and `logout=yes` to do so. @param form.leadsTo origin of the client, if it goes on there */
  signOut(form: Form & { clientName: string | undefined; leadsTo: string | undefined }): Page;
  signedOut(client: { clientName: string | undefined }): Page;
}

/** A form that is posted to `action` as application/x-www-form-urlencoded; `xsrf` shows that it is ours. */
export interface Form {
  action: string;
  xsrf: string;
}

/** WRONG_CODE: none, unknown, expired or used; ABORTED: the person said no; FAILED: anything else. */
export type DeviceProblem = 'WRONG_CODE' | 'ABORTED' | 'FAILED';
