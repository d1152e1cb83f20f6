/**
 * What stands for a field in the examples of the API's description: by the field's name in JSON, or by `Message.field` where it means
 * something else in that message. `undefined` leaves the field out. An RPC's request and response are put together of these
 * (examples.ts), so an RPC needs an entry only for a name that no RPC had before, and `./oxo generate` says which.
 */
export type ExampleValues = Readonly<Record<string, Json | undefined>>;

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

const ADA = '01938c1d-7a5e-7c43-9d2b-5b1f0c6a7e11';
const GRACE = '01938c20-03f1-7b0a-8c55-2f9d4e8b6a07';
const TEXT = 'Hello @grace, look at #Andromeda';

export const exampleValues: ExampleValues = {
  accessToken: 'eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIwMTkzOGMxZCJ9.c2lnbmF0dXJl',
  accountId: ADA,
  actorId: ADA,
  all: false,
  'Account.id': ADA,
  'AuditLogEntry.action': 'CREATE_API_KEY',
  'AuditLogEntry.id': '01938c2f-5a10-7d6e-8f21-93b0a1c2d3e4',
  'AuditLogEntry.keyId': '01938c2f-59e8-7a31-b6c4-0d1e2f3a4b5c',
  bio: 'Analyst of engines.',
  clientId: '',
  clientName: 'My reader',
  clientUri: 'https://reader.example',
  'Consent.clientId': 'Wk3n0aQ9vT2xLr7s',
  'Consent.refusedScopes': ['posts:write'],
  current: true,
  currentPassword: 'correct horse 42',
  details: { scopes: 'feed:read' },
  device: 'Mozilla/5.0 (X11; Linux x86_64)',
  deviceToken: 'Jx4mQ9Tz0b1nU5tYx7cVw9eHsK2rLp8dGa6fWo3iZyE',
  displayName: 'Ada Lovelace',
  email: 'ada@example.com',
  emailVerified: true,
  entities: [
    { start: 6, end: 12, mention: { userId: GRACE } },
    { start: 22, end: 32, hashtag: { tag: 'andromeda' } },
  ],
  etag: '"f3kQ9w"',
  expiresAt: '2027-02-25T09:30:00Z',
  expiresIn: 900,
  followersCount: 12,
  followingCount: 34,
  following: true,
  handle: 'ada',
  id: '01938c25-6b7c-7f02-a1d4-8e9f0a1b2c3d',
  identifier: 'ada',
  ip: '203.0.113.7',
  keyId: '',
  'LoginResponse.mfaRequired': false,
  lastSeenAt: '2026-11-27T10:15:00Z',
  lastUsedAt: '2026-11-27T10:15:00Z',
  links: ['https://ada.example'],
  'EnrolTotpResponse.secret': 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  'ListFollowersRequest.id': 'me',
  'ListFollowingRequest.id': 'me',
  'ListUserPostsRequest.userId': 'me',
  locale: 'en',
  location: 'London',
  name: 'My reader',
  network: '203.0.113.7',
  newPassword: 'correct horse 43',
  nextPageToken: 'AZOMJQAAAYf3aQ',
  number: 1,
  otp: '492039',
  otpauthUri:
    'otpauth://totp/OXO:ada?issuer=OXO&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30',
  overlapSeconds: 3600,
  'FollowRequest.id': GRACE,
  'GetUserRequest.id': 'me',
  password: 'correct horse 42',
  pendingEmail: '',
  recoveryCodes: ['7h2k-9x4m-q0vd-3n8r', 'b5tz-1c6w-m9fe-0g4j'],
  recoveryCodesLeft: 10,
  refreshToken: 'k8Qm2Zr0b1nU5tYx7cVw9eHs',
  requestId: '8c0f1a52-6f0e-4f3c-9a51-7d3f0e2b1c4a',
  'RevokeConsentRequest.clientId': 'Wk3n0aQ9vT2xLr7s',
  scopes: ['feed:read'],
  secret: 'oxo_01938c2f59e87a31b6c40d1e2f3a4b5c_Xk2v8Rm0Qd7Lw1Zt5Yb3Nf6Hs9Jc4Pg',
  'ResetPasswordRequest.token': 'AZOMJVomeW2PIZOwocLT5OQ8k2Vd0rYh7Qm1Zt5Xb3Nf6Hs9Jc4PgWu8LaEoRi2T',
  'Session.id': '01938c1d-8b02-7e55-b0c9-4a5d6e7f8091',
  sessionId: '01938c1d-8b02-7e55-b0c9-4a5d6e7f8091',
  sinceId: '01938c25-6b7c-7f02-a1d4-8e9f0a1b2c3d',
  tag: 'andromeda',
  text: TEXT,
  tokenType: 'Bearer',
  'VerifyEmailRequest.token': 'AZOMJVomeW2PIZOwocLT5OQ8k2Vd0rYh7Qm1Zt5Xb3Nf6Hs9Jc4PgWu8LaEoRi2T',
  'UnfollowRequest.id': GRACE,
  'UpdateMeRequest.etag': undefined,
  'UpdatePostRequest.etag': undefined,
  url: 'https://example.com/m31',
  'User.id': ADA,
  'UserSummary.id': ADA,
  userAgent: 'curl/8.5.0',
  userId: GRACE,
};

/** What a query parameter has in the reference: what is here is sent by whoever tries an operation there and changes nothing. */
export const queryExamples: ExampleValues = {
  pageSize: 20,
};
