import type { PasskeyAssertion, PasskeyAttestation } from '#gen/oxo/auth/v1/passkey.ts';
import type { PasskeyServiceDefinition } from '#gen/oxo/auth/v1/passkey_service.ts';
import type { RpcClient } from '#kit/rpc/client.ts';
import {
  createAuthenticator,
  type Faults,
  type SoftwareAssertion,
  type SoftwareAttestation,
  type SoftwareAuthenticator,
} from './software-authenticator.ts';

/** A public URL at which browsers have passkeys. */
export const PASSKEY_URL = 'http://localhost:8080';
export const PASSKEY_SITE = { origin: PASSKEY_URL, rpId: 'localhost' };

type Passkeys = RpcClient<PasskeyServiceDefinition>;

/** The credential as the contract has it. */
export function attestationMessage({ id, response }: SoftwareAttestation): PasskeyAttestation {
  const { clientDataJSON: clientDataJson, ...rest } = response;
  return { id, response: { clientDataJson, ...rest } };
}

/** As `attestationMessage`. */
export function assertionMessage({ id, response }: SoftwareAssertion): PasskeyAssertion {
  const { clientDataJSON: clientDataJson, ...rest } = response;
  return { id, response: { clientDataJson, ...rest } };
}

/** Has a passkey made for whom the stub is of. */
export async function addPasskey(
  passkeys: Passkeys,
  { name = 'phone', authenticator = createAuthenticator(PASSKEY_SITE), faults = {} as Faults } = {},
): Promise<{ authenticator: SoftwareAuthenticator; id: string }> {
  const { options } = await passkeys.beginPasskeyRegistration({});
  const made = authenticator.create({ challenge: '', ...options }, faults);
  const { passkey } = await passkeys.finishPasskeyRegistration({ name, credential: attestationMessage(made) });
  return { authenticator, id: passkey?.id ?? '' };
}

/** What a passkey signs for a sign-in that is begun now. */
export async function signedBy(passkeys: Passkeys, authenticator: SoftwareAuthenticator, faults: Faults = {}) {
  const { options } = await passkeys.beginPasskeySignIn({});
  return assertionMessage(authenticator.get({ challenge: '', ...options }, faults));
}
