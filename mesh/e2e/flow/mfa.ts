import assert from 'node:assert/strict';
import { CODE_PERIOD_MS, codeOf } from '../../../services/auth/testing/authenticator-app.ts';
import type { Cases } from '../testing/cases.ts';
import { type Api, type ApiRequest, refusal } from '../testing/client.ts';
import { type Person, signUp, type Tokens } from '../testing/people.ts';

type Login = { readonly tokens?: Tokens; readonly mfaRequired: boolean };

function logIn({ handle: identifier, password }: Person, otp?: string): ApiRequest {
  return { method: 'POST', path: '/auth/login', body: { identifier, password, otp } };
}

/** Enrols an authenticator app. @returns its secret, and recovery codes */
export async function enrol(
  api: Api,
  { accessToken: token }: Person,
): Promise<{ secret: string; recoveryCodes: string[] }> {
  const path = '/auth/mfa/totp';
  const { secret } = await api.get<{ secret: string }>({ method: 'POST', path, token, body: {} });
  const body = { otp: codeOf(secret, Date.now()) };
  return {
    secret,
    ...(await api.get<{ recoveryCodes: string[] }>({ method: 'POST', path: `${path}:confirm`, token, body })),
  };
}

/** The second step of sign-ins. */
export const mfa: Cases = {
  'with an authenticator app a password alone opens nothing': async ({ api }) => {
    const person = await signUp(api);
    const { secret, recoveryCodes } = await enrol(api, person);
    const first = await api.get<Login>(logIn(person));
    assert.deepEqual([first.mfaRequired, first.tokens], [true, undefined]);
    const wrong = await refusal(api, logIn({ ...person, password: 'not the password' }, codeOf(secret, Date.now())));
    assert.deepEqual([wrong.status, wrong.reason], [401, 'CREDENTIALS_INVALID']);
    const used = await refusal(api, logIn(person, '000000'));
    assert.deepEqual([used.status, used.reason], [401, 'OTP_INVALID']);
    // The next code, since this one may have confirmed the app.
    const { tokens } = await api.get<Login>(logIn(person, codeOf(secret, Date.now() + CODE_PERIOD_MS)));
    const token = tokens?.accessToken;
    type Listed = { sessions: { current: boolean; factors: string[] }[] };
    const { sessions } = await api.get<Listed>({ path: '/auth/sessions', token });
    assert.deepEqual(sessions.find(({ current }) => current)?.factors, ['PASSWORD', 'TOTP']);
    const { tokens: other } = await api.get<Login>(logIn(person, recoveryCodes[0]));
    type State = { mfa: { totpEnabled: boolean; recoveryCodesLeft: number } };
    const { mfa: state } = await api.get<State>({ path: '/auth/mfa', token: other?.accessToken });
    assert.deepEqual([state.totpEnabled, state.recoveryCodesLeft], [true, 9]);
    assert.equal((await api.call({ method: 'DELETE', path: '/auth/mfa/totp', token })).status, 204);
    assert.notEqual((await api.get<Login>(logIn(person))).tokens, undefined);
  },
  'what a browser gives of a passkey is taken as it is, and refused where there are none': async ({ api }) => {
    // The public URL of these tests has an IP address.
    const response = { clientDataJSON: 'AA', authenticatorData: 'AA', signature: 'AA', userHandle: 'AA' };
    const credential = { id: 'AA', rawId: 'AA', type: 'public-key', clientExtensionResults: {}, response };
    const path = '/auth/passkeys:sign-in';
    const off = await refusal(api, { method: 'POST', path, body: { credential } });
    assert.deepEqual([off.status, off.reason], [400, 'PASSKEYS_OFF']);
    const padded = { ...credential, response: { ...response, clientDataJSON: 'AA==' } };
    const wrong = await refusal(api, { method: 'POST', path, body: { credential: padded } });
    assert.deepEqual([wrong.reason, wrong.fields], ['VALIDATION_FAILED', ['credential.response.clientDataJSON']]);
  },
  'who signed in long ago confirms it, and goes on with the token that is answered': async ({ api }) => {
    const { accessToken: token, password } = await signUp(api);
    const path = '/auth/sessions:confirm';
    const wrong = await refusal(api, { method: 'POST', path, token, body: { password: 'not the password' } });
    assert.deepEqual([wrong.status, wrong.reason], [401, 'CREDENTIALS_INVALID']);
    type Confirmed = { accessToken: string; mfaRequired: boolean };
    const confirmed = await api.get<Confirmed>({ method: 'POST', path, token, body: { password } });
    assert.deepEqual(confirmed.mfaRequired, false);
    await api.get({ path: '/auth/mfa', token: confirmed.accessToken });
  },
};
