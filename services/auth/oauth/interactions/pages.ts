import type { IncomingMessage } from 'node:http';
import type { Page } from '../../html/document.ts';

/** Makes a page for whoever has sent the request, whose language it says. */
export type PageSource<Given> = (request: IncomingMessage, given: Given) => Page;

/** What the provider asks to be shown to a person. */
export interface OAuthPages {
  /** The request cannot go on, and there is nowhere to send the person back to. */
  failed: PageSource<{ error: string; description: string }>;
  /** The form did not come from a page that we have given to this browser. */
  foreignForm(request: IncomingMessage): Page;
  /** The network has tried too many codes of devices, or asked too much. */
  wait: PageSource<{ tooMany: 'CODES' | 'REQUESTS'; retryAfterMs: number }>;
  /** Asks for the code that a device shows: a form with `xsrf` and `user_code`. */
  deviceCode: PageSource<Form & { userCode: string; problem: DeviceProblem | undefined }>;
  /** Asks whether the device is theirs: a form with `xsrf`, `user_code` and `confirm=yes`, or with `abort=yes` besides. */
  deviceConfirm: PageSource<Form & { userCode: string; clientName: string }>;
  deviceDone: PageSource<{ clientName: string }>;
  /** Asks whether to sign out: a form with `xsrf`, and `logout=yes` to do so. `leadsTo`: origin of the client, if it goes on there. */
  signOut: PageSource<Form & { clientName: string | undefined; leadsTo: string | undefined }>;
  signedOut: PageSource<{ clientName: string | undefined }>;
}

/** A form that is posted to `action` as application/x-www-form-urlencoded; `xsrf` shows that it is ours. */
export interface Form {
  action: string;
  xsrf: string;
}

/** WRONG_CODE: none, unknown, expired or used; ABORTED: the person said no; FAILED: anything else. */
export type DeviceProblem = 'WRONG_CODE' | 'ABORTED' | 'FAILED';
