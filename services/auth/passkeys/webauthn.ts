/** Passkeys as the library has them. Loaded when a passkey is first asked for, since it takes memory that an installation without passkeys need not have. */
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { decodeAttestationObject, decodeClientDataJSON, isoBase64URL, isoCBOR } from '@simplewebauthn/server/helpers';
import { CHALLENGE_MS } from './challenges.ts';
import type { Assertion, Attestation } from './passkey-input.ts';
import { ALGORITHMS, isSoundKey } from './public-key.ts';
import { passkeyInvalid } from './refusals.ts';
import type { RelyingParty } from './relying-party.ts';
import type { HeldPasskey, SignInPasskey } from './statements.ts';

/** What PublicKeyCredential.parseCreationOptionsFromJSON takes. */
export type CreationOptions = PublicKeyCredentialCreationOptionsJSON;
/** What PublicKeyCredential.parseRequestOptionsFromJSON takes. */
export type RequestOptions = PublicKeyCredentialRequestOptionsJSON;

/** Whether a challenge counts. */
type IsGood = (challenge: string) => boolean;

/** As people see it when they choose a passkey. */
const NAME = 'OXO';
/** As the table says. RSA of 4,096 bits has some 530; without it one could be stored that takes seconds to verify. */
const MAX_PUBLIC_KEY_BYTES = 1_024;

/** A key pair that an authenticator has made. */
export interface MadePasskey {
  credentialId: Buffer;
  publicKey: Buffer;
  counter: number;
  isBackedUp: boolean;
  challenge: string;
}

/** What a passkey has signed. */
export interface Signed {
  challenge: string;
  counter: number;
  isBackedUp: boolean;
}

export function creationOptions(
  party: RelyingParty,
  user: { id: Buffer; handle: string; displayName: string },
  { challenge, held }: { challenge: string; held: readonly HeldPasskey[] },
): Promise<CreationOptions> {
  return generateRegistrationOptions({
    ...{ rpName: NAME, rpID: party.id, timeout: CHALLENGE_MS },
    ...{ userID: Uint8Array.from(user.id), userName: user.handle, userDisplayName: user.displayName },
    challenge: isoBase64URL.toBuffer(challenge),
    // Which make the key is from would be of no use to us, and of some to who wants to tell people apart.
    attestationType: 'none',
    excludeCredentials: held.map(({ credentialId, transports }) => ({
      id: credentialId.toString('base64url'),
      transports,
    })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: ALGORITHMS,
  });
}

export function requestOptions(party: RelyingParty, challenge: string): Promise<RequestOptions> {
  return generateAuthenticationOptions({
    ...{ rpID: party.id, timeout: CHALLENGE_MS, userVerification: 'required', allowCredentials: [] },
    challenge: isoBase64URL.toBuffer(challenge),
  });
}

/** @throws OxoError PASSKEY_INVALID */
export async function verifyAttestation(
  party: RelyingParty,
  { id, response }: Attestation,
  isGood: IsGood,
): Promise<MadePasskey> {
  let challenge = '';
  const { registrationInfo: made } = await verified(() => {
    requireOwnPage(response.clientDataJSON);
    return verifyRegistrationResponse({
      response: {
        ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
        response: {
          clientDataJSON: response.clientDataJSON,
          attestationObject: withoutStatement(response.attestationObject),
        },
      },
      expectedChallenge(text) {
        challenge = text;
        return isGood(text);
      },
      ...{ expectedOrigin: party.origin, expectedRPID: party.id, supportedAlgorithmIDs: ALGORITHMS },
    });
  });
  if (made === undefined || made.credential.id !== id || made.credential.publicKey.length > MAX_PUBLIC_KEY_BYTES)
    throw passkeyInvalid();
  const { publicKey, counter } = made.credential;
  if (!isSoundKey(publicKey)) throw passkeyInvalid();
  return {
    ...{ credentialId: Buffer.from(id, 'base64url'), publicKey: Buffer.from(publicKey), counter, challenge },
    isBackedUp: made.credentialBackedUp,
  };
}

/**
 * Whether the counter goes on from the one that is known is not looked at: that is for who knows that the signature is right.
 * @throws OxoError PASSKEY_INVALID
 */
export async function verifyAssertion(
  party: RelyingParty,
  { id, response }: Assertion,
  { publicKey }: Pick<SignInPasskey, 'publicKey'>,
  isGood: IsGood,
): Promise<Signed> {
  let challenge = '';
  const { verified: isRight, authenticationInfo: info } = await verified(() => {
    requireOwnPage(response.clientDataJSON);
    return verifyAuthenticationResponse({
      response: { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response },
      expectedChallenge(text) {
        challenge = text;
        return isGood(text);
      },
      ...{ expectedOrigin: party.origin, expectedRPID: party.id },
      credential: { id, publicKey: Uint8Array.from(publicKey), counter: 0 },
    });
  });
  if (!isRight) throw passkeyInvalid();
  return { challenge, counter: info.newCounter, isBackedUp: info.credentialBackedUp };
}

/** Our pages stand in no frame of another site: one that asks from there is not ours. The library does not look at it. @throws Error */
function requireOwnPage(clientDataJSON: string): void {
  const { crossOrigin, topOrigin }: { crossOrigin?: unknown; topOrigin?: unknown } =
    decodeClientDataJSON(clientDataJSON);
  if ((crossOrigin ?? false) !== false || topOrigin !== undefined) throw new Error('asked in a frame of another site');
}

/** Whatever the library finds wrong, it throws: what it was given came from a stranger. */
async function verified<Result>(verify: () => Promise<Result>): Promise<Result> {
  try {
    return await verify();
  } catch (error) {
    throw passkeyInvalid(error);
  }
}

/**
 * The attestation without its statement, of which we have asked for none. What an authenticator says of itself all the same is not looked at: to do so
 * the library would parse certificates that a stranger has sent, and ask whom they name whether they were revoked.
 */
function withoutStatement(attestationObject: string): string {
  const authData = decodeAttestationObject(isoBase64URL.toBuffer(attestationObject)).get('authData');
  const bare = new Map<string, string | Uint8Array<ArrayBuffer> | Map<string, string>>([
    ['fmt', 'none'],
    ['attStmt', new Map<string, string>()],
    ['authData', authData],
  ]);
  return isoBase64URL.fromBuffer(isoCBOR.encode(bare));
}
