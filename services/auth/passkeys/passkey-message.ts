import type {
  Passkey,
  PasskeyAssertion,
  PasskeyAttestation,
  PasskeyCreationOptions,
  PasskeyRequestOptions,
} from '#gen/oxo/auth/v1/passkey.ts';
import type { ListedPasskey } from '../entities/passkey-entity.ts';
import type { CreationOptions, RequestOptions } from './webauthn.ts';

/** The contract's Passkey. */
export function passkeyMessage(passkey: ListedPasskey): Passkey {
  const { id, name, isBackedUp: backedUp, transports, createdAtMs, lastUsedAtMs } = passkey;
  const lastUsedAt = lastUsedAtMs == null ? undefined : new Date(lastUsedAtMs);
  return { id, name, backedUp, transports, createdAt: new Date(createdAtMs), lastUsedAt };
}

/** The contract's PasskeyCreationOptions. */
export function creationOptionsMessage(options: CreationOptions): PasskeyCreationOptions {
  const { rp, user, challenge, pubKeyCredParams, timeout = 0, excludeCredentials = [], attestation = '' } = options;
  const { residentKey = '', requireResidentKey = false, userVerification = '' } = options.authenticatorSelection ?? {};
  return {
    ...{ user, challenge, pubKeyCredParams, timeout, attestation },
    rp: { id: rp.id ?? '', name: rp.name },
    excludeCredentials: excludeCredentials.map(({ id, type, transports = [] }) => ({ id, type, transports })),
    authenticatorSelection: { residentKey, requireResidentKey, userVerification },
  };
}

/** The contract's PasskeyRequestOptions. */
export function requestOptionsMessage(options: RequestOptions): PasskeyRequestOptions {
  const { challenge, timeout = 0, rpId = '', userVerification = '' } = options;
  return { challenge, timeout, rpId, userVerification, allowCredentials: [] };
}

/** The credential as WebAuthn's JSON has it, to be checked under its names. */
export function attestationOf(credential: PasskeyAttestation | undefined) {
  if (credential?.response === undefined) return credential;
  const { clientDataJson: clientDataJSON, ...rest } = credential.response;
  return { ...credential, response: { clientDataJSON, ...rest } };
}

/** As `attestationOf`. */
export function assertionOf(credential: PasskeyAssertion | undefined) {
  if (credential?.response === undefined) return credential;
  const { clientDataJson: clientDataJSON, ...rest } = credential.response;
  return { ...credential, response: { clientDataJSON, ...rest } };
}
