import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { COSEALG, cose, isoCBOR } from '@simplewebauthn/server/helpers';

/** What every authenticator has one of, in the order in which we like them. */
export const ALGORITHMS = [COSEALG.ES256, COSEALG.EdDSA, COSEALG.RS256];
/** As RFC 8230 asks. */
const MIN_RSA_BITS = 2_048;
/** Of every authenticator; with another one a signature could be forged, or cost seconds to verify. */
const RSA_EXPONENT = 65_537n;

const { COSECRV, COSEKEYS, COSEKTY } = cose;

type CoseKey = ReadonlyMap<number, unknown>;

/**
 * Whether a key is one: what anybody may send as the key of their own passkey could be a point off its curve, or a modulus that can be factored.
 * @param publicKey as COSE has it
 */
export function isSoundKey(publicKey: Uint8Array): boolean {
  try {
    const jwk = jwkOf(isoCBOR.decodeFirst<CoseKey>(Uint8Array.from(publicKey)));
    return jwk !== undefined && isStrong(createPublicKey({ key: jwk, format: 'jwk' }));
  } catch {
    return false;
  }
}

/** Only RSA can be weak. */
function isStrong({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType !== 'rsa') return true;
  const { modulusLength = 0, publicExponent } = asymmetricKeyDetails ?? {};
  return modulusLength >= MIN_RSA_BITS && publicExponent === RSA_EXPONENT;
}

/** @returns undefined when it is of another kind than its algorithm says, or of an algorithm that we have not asked for */
function jwkOf(key: CoseKey): JsonWebKey | undefined {
  const [kty, crv] = [key.get(COSEKEYS.kty), key.get(COSEKEYS.crv)];
  const text = (label: number) => textOf(key, label);
  switch (key.get(COSEKEYS.alg)) {
    case COSEALG.ES256:
      if (kty !== COSEKTY.EC2 || crv !== COSECRV.P256) return undefined;
      return { kty: 'EC', crv: 'P-256', x: text(COSEKEYS.x), y: text(COSEKEYS.y) };
    case COSEALG.EdDSA:
      if (kty !== COSEKTY.OKP || crv !== COSECRV.ED25519) return undefined;
      return { kty: 'OKP', crv: 'Ed25519', x: text(COSEKEYS.x) };
    case COSEALG.RS256:
      return kty === COSEKTY.RSA ? { kty: 'RSA', n: text(COSEKEYS.n), e: text(COSEKEYS.e) } : undefined;
    default:
      return undefined;
  }
}

function textOf(key: CoseKey, label: number): string {
  const value = key.get(label);
  if (!(value instanceof Uint8Array)) throw new TypeError(`${label} of a key must be bytes`);
  return Buffer.from(value).toString('base64url');
}
