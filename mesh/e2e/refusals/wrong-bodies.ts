import type { ApiRequest } from '../testing/client.ts';
import { type Cast, MALFORMED, type Refused, unknownId, VALIDATION } from './refused.ts';

/** A field of the body of an RPC, and where it is sent. */
type Place = { readonly rpc: string; readonly send: (body: unknown) => ApiRequest };

const PASSWORD = 'a password of mine';

/** Of the right form, made by no authenticator. */
const ATTESTATION = { id: 'AAAA', response: { clientDataJSON: 'AAAA', attestationObject: 'AAAA' } };
const ASSERTION = {
  id: 'AAAA',
  response: { clientDataJSON: 'AAAA', authenticatorData: 'AAAA', signature: 'AAAA', userHandle: 'AAAA' },
};

/** Every RPC with a body: how it is called with a right body, to which a wrong field is added. */
export function placesOf(cast: Cast): Record<string, Place> {
  const token = cast.me.accessToken;
  const place = (rpc: string, request: Omit<ApiRequest, 'body'>, right: object): Place => ({
    rpc,
    send: (body) => {
      const isPart = typeof body === 'object' && body !== null && !(body instanceof Buffer) && !Array.isArray(body);
      return { ...request, body: isPart ? { ...right, ...body } : body };
    },
  });
  const registration = { handle: 'somebody_new', email: 'new@oxo.example', password: PASSWORD, displayName: 'New' };
  return {
    Register: place('Register', { method: 'POST', path: '/auth/register' }, registration),
    Login: place('Login', { method: 'POST', path: '/auth/login' }, { identifier: cast.me.handle, password: 'wrong' }),
    Refresh: place('Refresh', { method: 'POST', path: '/auth/refresh' }, { refreshToken: 'x' }),
    VerifyEmail: place('VerifyEmail', { method: 'POST', path: '/auth/email:verify' }, { token: 'x' }),
    ChangeEmail: place('ChangeEmail', { method: 'POST', path: '/auth/email', token }, { email: 'new@oxo.example' }),
    ResendVerification: place('ResendVerification', { method: 'POST', path: '/auth/email:resend', token }, {}),
    ChangePassword: place(
      'ChangePassword',
      { method: 'POST', path: '/auth/password', token },
      { currentPassword: 'not the password', newPassword: 'another password 17' },
    ),
    ForgotPassword: place(
      'ForgotPassword',
      { method: 'POST', path: '/auth/password:forgot' },
      { email: 'x@oxo.example' },
    ),
    ResetPassword: place(
      'ResetPassword',
      { method: 'POST', path: '/auth/password:reset' },
      { token: 'x', password: 'another password 17' },
    ),
    Logout: place('Logout', { method: 'POST', path: '/auth/logout', token }, {}),
    ConfirmSignIn: place(
      'ConfirmSignIn',
      { method: 'POST', path: '/auth/sessions:confirm', token },
      { password: 'not the password' },
    ),
    EnrolTotp: place('EnrolTotp', { method: 'POST', path: '/auth/mfa/totp', token }, {}),
    ConfirmTotp: place('ConfirmTotp', { method: 'POST', path: '/auth/mfa/totp:confirm', token }, { otp: '123456' }),
    RegenerateRecoveryCodes: place(
      'RegenerateRecoveryCodes',
      { method: 'POST', path: '/auth/mfa/recovery-codes', token },
      {},
    ),
    BeginPasskeyRegistration: place(
      'BeginPasskeyRegistration',
      { method: 'POST', path: '/auth/passkeys:begin', token },
      {},
    ),
    FinishPasskeyRegistration: place(
      'FinishPasskeyRegistration',
      { method: 'POST', path: '/auth/passkeys', token },
      { name: 'phone', credential: ATTESTATION },
    ),
    RenamePasskey: place(
      'RenamePasskey',
      { method: 'PATCH', path: `/auth/passkeys/${unknownId}`, token },
      { name: 'phone' },
    ),
    BeginPasskeySignIn: place('BeginPasskeySignIn', { method: 'POST', path: '/auth/passkeys:begin-sign-in' }, {}),
    FinishPasskeySignIn: place(
      'FinishPasskeySignIn',
      { method: 'POST', path: '/auth/passkeys:sign-in' },
      { credential: ASSERTION },
    ),
    CreateApiKey: place(
      'CreateApiKey',
      { method: 'POST', path: '/api-keys', token },
      { name: 'reader', scopes: ['feed:read'] },
    ),
    RotateApiKey: place('RotateApiKey', { method: 'POST', path: `/api-keys/${unknownId}:rotate`, token }, {}),
    UpdateMe: place('UpdateMe', { method: 'PATCH', path: '/users/me', token }, {}),
    CreatePost: place('CreatePost', { method: 'POST', path: '/posts', token }, { text: 'right' }),
    UpdatePost: place('UpdatePost', { method: 'PATCH', path: `/posts/${cast.myPost.id}`, token }, { text: 'right' }),
  };
}

/** The fields that hold text, with the limit in characters, the limit in bytes, and whether they may be empty. */
export const TEXTS: readonly (readonly [
  rpc: string,
  field: string,
  characters: number,
  bytes: number,
  empty: boolean,
])[] = [
  ['Register', 'handle', 30, 30, false],
  ['Register', 'email', 254, 254, false],
  ['Register', 'password', 256, 1_024, false],
  ['Register', 'displayName', 60, 240, true],
  ['Register', 'deviceToken', 256, 256, true],
  ['Login', 'identifier', 254, 254, false],
  ['Login', 'password', 256, 1_024, false],
  ['Login', 'deviceToken', 256, 256, true],
  ['Login', 'otp', 64, 64, true],
  ['ConfirmSignIn', 'password', 256, 1_024, false],
  ['ConfirmSignIn', 'otp', 64, 64, true],
  ['ConfirmTotp', 'otp', 64, 64, false],
  ['Refresh', 'refreshToken', 512, 512, false],
  ['VerifyEmail', 'token', 256, 256, false],
  ['ChangeEmail', 'email', 254, 254, false],
  ['ChangePassword', 'currentPassword', 256, 1_024, false],
  ['ChangePassword', 'newPassword', 256, 1_024, false],
  ['ForgotPassword', 'email', 254, 254, false],
  ['ResetPassword', 'token', 256, 256, false],
  ['ResetPassword', 'password', 256, 1_024, false],
  ['FinishPasskeyRegistration', 'name', 60, 240, false],
  ['RenamePasskey', 'name', 60, 240, false],
  ['FinishPasskeySignIn', 'deviceToken', 256, 256, true],
  ['CreateApiKey', 'name', 60, 240, false],
  ['UpdateMe', 'displayName', 60, 240, true],
  ['UpdateMe', 'bio', 500, 2_000, true],
  ['UpdateMe', 'location', 60, 240, true],
  ['UpdateMe', 'locale', 35, 35, true],
  ['UpdateMe', 'etag', 64, 64, true],
  ['CreatePost', 'text', 5_000, 20_000, false],
  ['UpdatePost', 'text', 5_000, 20_000, false],
  ['UpdatePost', 'etag', 64, 64, true],
];

/** The other fields, with values that are of another type. */
export const OTHERS: readonly (readonly [rpc: string, field: string, wrong: readonly unknown[]])[] = [
  ['Logout', 'all', ['maybe', 1, {}]],
  ['ConfirmSignIn', 'credential', ['x', 5, true]],
  ['FinishPasskeyRegistration', 'credential', ['x', 5, true]],
  ['FinishPasskeySignIn', 'credential', ['x', 5, true]],
  ['CreateApiKey', 'scopes', [5, true, {}]],
  ['CreateApiKey', 'expiresAt', ['tomorrow', 5, true]],
  ['RotateApiKey', 'overlapSeconds', ['long', 1.5, {}]],
  ['RotateApiKey', 'expiresAt', ['tomorrow', 5, true]],
  ['UpdateMe', 'links', ['https://oxo.example', 5, true]],
  ['CreatePost', 'visibility', ['NOPE', 'public', 'UNLISTED', 1.5, {}]],
  ['UpdatePost', 'visibility', ['NOPE', 'public', 'MENTIONED', 1.5, {}]],
];

/** What is wrong in the text fields of every RPC. */
export function wrongTexts(cast: Cast): Refused[] {
  const places = placesOf(cast);
  return TEXTS.flatMap(([rpc, field, characters, bytes, mayBeEmpty]) => {
    const refuse = (what: string, value: unknown): Refused => ({
      what: `${rpc}.${field}: ${what}`,
      request: (places[rpc] as Place).send({ [field]: value }),
      ...VALIDATION,
      field,
    });
    const refused = [
      refuse('one character too many', 'ä'.repeat(characters + 1)),
      refuse('too many bytes', '👨‍👩‍👧‍👦'.repeat(Math.ceil(bytes / 25) + 1)),
      refuse('U+0000', 'a\u0000bcdefghijklm'),
    ];
    if (mayBeEmpty) return refused;
    return [
      ...refused,
      refuse('empty', ''),
      refuse('absent', undefined),
      refuse('only white space', ' \t\n\u3000'),
      refuse('only what shows nothing', '\u200b'.repeat(10)),
    ].filter(
      // In a change an absent field is left as it is; a password may be of spaces when it is long enough.
      ({ what }) => !what.startsWith('UpdatePost.text: absent') && !/password: only white space/i.test(what),
    );
  });
}

/** Values of another type than the contract's, in every field of every body. */
export function wrongTypes(cast: Cast): Refused[] {
  const places = placesOf(cast);
  const nestedLists = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
  const wrong = (rpc: string, field: string, values: readonly unknown[], named = true): Refused[] =>
    values.map((value) => ({
      what: `${rpc}.${field} = ${JSON.stringify(value)}`,
      request: (places[rpc] as Place).send({ [field]: value }),
      ...MALFORMED,
      field: named ? field : undefined,
    }));
  const noText = [5, true, { a: 1 }];
  return [
    ...TEXTS.flatMap(([rpc, field]) => wrong(rpc, field, noText)),
    ...OTHERS.flatMap(([rpc, field, values]) => wrong(rpc, field, values)),
    // Deeper than Protobuf's libraries read, at several depths: Envoy's own limit is another.
    ...[60, 70, 80, 90, 99].flatMap((depth) => wrong('UpdateMe', 'links', [nestedLists(depth)], false)),
  ];
}

/** Numbers of enums that the contract does not have, and values that only a service can refuse. */
export function wrongValues(cast: Cast): Refused[] {
  const places = placesOf(cast);
  const wrong = (rpc: string, body: object, field: string): Refused => ({
    what: `${rpc} ${JSON.stringify(body).slice(0, 80)}`,
    request: (places[rpc] as Place).send(body),
    ...VALIDATION,
    field,
  });
  const enums = ['CreatePost', 'UpdatePost'].flatMap((rpc) =>
    [2, 4, 99, -1, 2_147_483_647].map((visibility) => wrong(rpc, { visibility }, 'visibility')),
  );
  const handles = ['ab', 'Upper', 'with space', 'ünï', 'a-b-c', 'a.b.c', '../../x'];
  const emails = ['nobody', '@oxo.example', 'a@', 'a b@oxo.example', 'a@b@oxo.example', 'a@oxo.example\r\nBcc: b@c.d'];
  const passwords = ['short', 'password123', '1234567890', 'aaaaaaaaaaaa', 'qwertyuiop', 'somebody_new'];
  const links = [
    'ftp://oxo.example',
    'javascript:alert(1)',
    'oxo.example',
    '',
    `https://oxo.example/${'a'.repeat(300)}`,
  ];
  return [
    ...enums,
    wrong('UpdatePost', { visibility: 0 }, 'visibility'),
    ...handles.map((handle) => wrong('Register', { handle }, 'handle')),
    ...emails.map((email) => wrong('Register', { email }, 'email')),
    ...passwords.map((password) => wrong('Register', { password }, 'password')),
    ...links.map((link) => wrong('UpdateMe', { links: ['https://oxo.example', link] }, 'links.1')),
    wrong('UpdateMe', { links: [1] }, 'links.0'),
    wrong('UpdateMe', { links: Array.from({ length: 6 }, () => 'https://oxo.example') }, 'links'),
    ...['english please', 'x', '-', 'de_DE'].map((locale) => wrong('UpdateMe', { locale }, 'locale')),
  ];
}

/** Bodies that are none, in every RPC that has one. */
export function wrongBodies(cast: Cast): Refused[] {
  const badUtf8 = Buffer.concat([Buffer.from('{"text":"'), Buffer.of(0xff, 0xfe, 0xc3, 0x28), Buffer.from('"}')]);
  const bodies: [string, Buffer][] = [
    ['bad UTF-8', badUtf8],
    ['an unfinished object', Buffer.from('{"text":"a"')],
    ['a list', Buffer.from('["a"]')],
    ['a text', Buffer.from('"a"')],
    ['a form', Buffer.from('text=a&visibility=PUBLIC')],
    ['half a surrogate pair', Buffer.from('{"text":"\\ud83d"}')],
    ['two objects', Buffer.from('{"text":"a"}{"text":"b"}')],
    ['deep nesting', Buffer.from(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`)],
  ];
  return Object.values(placesOf(cast)).flatMap(({ rpc, send }) => [
    ...bodies.map(([what, body]) => ({ what: `${rpc}: ${what}`, request: send(body), ...MALFORMED })),
    {
      what: `${rpc}: more than 64 KiB`,
      request: send(Buffer.from(JSON.stringify({ text: 'a'.repeat(65_536) }))),
      status: 413,
      reason: 'BODY_TOO_LARGE',
    },
  ]);
}
