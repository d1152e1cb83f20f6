/**
 * What each text of a request or an answer of ours is: a secret, personal, or plain, which may stand in logs. By its name in JSON, or by
 * `Message.field` where it means something else there. DECISIONS.md says what counts as what. A field that is not here fails `complete.test.ts`.
 */
export type Kind = 'secret' | 'personal' | 'plain';

const names: Readonly<Record<Kind, readonly string[]>> = {
  secret: [
    ...['accessToken', 'refreshToken', 'deviceToken', 'token', 'password', 'currentPassword', 'newPassword'],
    ...['secret', 'otp', 'otpauthUri', 'recoveryCodes', 'challenge', 'clientSecret', 'pageToken', 'nextPageToken'],
    ...['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'],
  ],
  personal: [
    ...['email', 'pendingEmail', 'identifier', 'handle', 'handles', 'displayName', 'bio', 'location', 'links', 'text'],
    ...['name', 'ip', 'network', 'device', 'userAgent', 'url', 'tag', 'details'],
    ...['PasskeyAssertion.id', 'PasskeyAttestation.id', 'PasskeyDescriptor.id', 'User.name', 'User.displayName'],
  ],
  plain: [
    ...['id', 'ids', 'userId', 'userIds', 'accountId', 'actorId', 'authorId', 'authorIds', 'amongIds', 'sessionId'],
    ...['followerIds', 'followeeIds', 'pulledIds', 'keyId', 'clientId', 'secretIds', 'requestId', 'sinceId', 'rpId'],
    ...['currentKid', 'droppedKids', 'leftKids', 'etag', 'locale', 'scopes', 'refusedScopes', 'replaced', 'version'],
    ...['attestation', 'residentKey', 'userVerification', 'transports', 'type', 'tokenType'],
    // Of an app and of this installation, not of a person.
    ...['clientName', 'clientUri', 'RelyingParty.name'],
  ],
};

const kinds = new Map(Object.entries(names).flatMap(([kind, all]) => all.map((name) => [name, kind as Kind] as const)));

/** Undefined: nobody has said what it is. */
export function kindOf(message: string, field: string): Kind | undefined {
  return kinds.get(`${message}.${field}`) ?? kinds.get(field);
}

/** Of answers whose messages are not known, and of OAuth. */
export function isSecretName(name: string): boolean {
  return kinds.get(name) === 'secret' || secretsOfOAuth.has(name);
}

const secretsOfOAuth: ReadonlySet<string> = new Set([
  ...['access_token', 'refresh_token', 'id_token', 'client_secret', 'device_code', 'user_code', 'code', 'csrf'],
]);

const base64 = (mark: string) => Buffer.from(mark).toString('base64url');
const quoted = (mark: string) => `${mark} "é\\ ${mark}`;

/** How a marked value of a field is well formed, by its name; the mark alone otherwise. */
const forms: Readonly<Record<string, (mark: string) => string>> = {
  email: (mark) => `${mark}@oxo.example`,
  password: quoted,
  currentPassword: quoted,
  newPassword: quoted,
  displayName: (mark) => `Né "${mark}`,
  bio: quoted,
  location: (mark) => `near ${mark}`,
  links: (mark) => `https://${mark}.example/`,
  text: (mark) => `"é\\ ${mark} @${mark} #${mark} https://${mark}.example/`,
  name: (mark) => `My ${mark}`,
  clientDataJSON: (mark) => base64(JSON.stringify({ type: 'webauthn.get', challenge: base64(mark), origin: mark })),
  attestationObject: base64,
  authenticatorData: base64,
  signature: base64,
  userHandle: base64,
  id: base64,
};

export function formOf(field: string, mark: string): string {
  return (forms[field] ?? ((plain: string) => plain))(mark);
}
