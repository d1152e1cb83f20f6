import { type CountSignIn, countedAs } from '../sign-ins/sign-in-metrics.ts';
import type { PasskeySignIns } from './passkey-sign-ins.ts';

/** The same sign-ins, counted. */
export function countedPasskeys(passkeySignIns: PasskeySignIns, count: CountSignIn): PasskeySignIns {
  return {
    ...passkeySignIns,
    signIn: (credential, source, enter) =>
      countedAs('passkey', count, passkeySignIns.signIn(credential, source, enter)),
  };
}
