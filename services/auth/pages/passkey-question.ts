import { scriptPath } from '../html/script.ts';
import { SIGN_IN_PAGE } from '../oauth/routes.ts';
import type { PasskeySignIns } from '../passkeys/passkey-sign-ins.ts';
import type { Passkeys } from '../passkeys/passkeys.ts';

/** What a page needs to have the browser asked for a passkey: WebAuthn's options as JSON, and the script that asks. */
export interface Question {
  options: string;
  /** Its address. */
  script: string;
}

/** Asks browsers for passkeys; what they are asked by counts for a few minutes. */
export interface PasskeyQuestion {
  /** @returns undefined where there are no passkeys */
  ofSignIn(): Promise<Question | undefined>;
  /** @returns undefined where there are none @throws OxoError as `Passkeys.beginRegistration` */
  ofRegistration(...asked: Parameters<Passkeys['beginRegistration']>): Promise<Question | undefined>;
}

/** Where the script lies. */
export const SCRIPT_PATH = scriptPath(SIGN_IN_PAGE);

/** What the script has put into a form. @returns undefined when it is no JSON */
export function readCredential(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function createPasskeyQuestion(parts: {
  passkeys: Pick<Passkeys, 'relyingParty' | 'beginRegistration'>;
  passkeySignIns: Pick<PasskeySignIns, 'begin'>;
}): PasskeyQuestion {
  const { passkeys, passkeySignIns } = parts;

  async function question(begin: () => Promise<object>): Promise<Question | undefined> {
    const { relyingParty } = passkeys;
    if (relyingParty === undefined) return undefined;
    return { options: JSON.stringify(await begin()), script: `${relyingParty.origin}${SCRIPT_PATH}` };
  }

  return {
    ofSignIn: () => question(passkeySignIns.begin),
    ofRegistration: (session, names) => question(() => passkeys.beginRegistration(session, names)),
  };
}
