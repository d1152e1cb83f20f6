import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** Bits of the flags in an authenticator's data. */
const [PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, HAS_KEY] = [1, 4, 8, 16, 64];

/** As much of the options of WebAuthn as it looks at: as the contract has them, or as the browser gets them. */
interface Options {
  challenge: string;
}

/** What is wrong with an authenticator, or with the browser before it. */
export interface Faults {
  origin?: string;
  rpId?: string;
  type?: string;
  challenge?: string;
  userHandle?: string;
  /** It has asked nobody who holds it. */
  isUnverified?: boolean;
  /** Where its counter is; it goes on by one each time, or stays 0 where it does not count. */
  counter?: number;
  /** It is asked in a frame of another site. */
  crossOrigin?: boolean;
  topOrigin?: string;
  /** It signs with another key. */
  forged?: boolean;
  /** Its key is nowhere else. */
  isNotBackedUp?: boolean;
  /** Instead of its public key, as COSE has it. */
  publicKey?: Buffer;
}

/** A passkey in software, made without the library that checks it. */
export interface SoftwareAuthenticator {
  id: string;
  /** As RegistrationResponseJSON. */
  create(options: Options & { user?: { id: string } | undefined }, faults?: Faults): SoftwareAttestation;
  /** As AuthenticationResponseJSON. */
  get(options: Options, faults?: Faults): SoftwareAssertion;
}

export interface SoftwareAttestation {
  id: string;
  response: { clientDataJSON: string; attestationObject: string; transports: string[] };
}

export interface SoftwareAssertion {
  id: string;
  response: { clientDataJSON: string; authenticatorData: string; signature: string; userHandle: string };
}

/** @param counts whether it counts how often it has signed, as security keys do */
export function createAuthenticator(site: { origin: string; rpId: string }, counts = true): SoftwareAuthenticator {
  const credentialId = randomBytes(32);
  const id = credentialId.toString('base64url');
  const keys = newKeys();
  let counter = 0;
  let user = '';

  function clientDataOf(type: string, { challenge }: Options, faults: Faults): Buffer {
    const data = {
      type: faults.type ?? type,
      challenge: faults.challenge ?? challenge,
      crossOrigin: faults.crossOrigin ?? false,
    };
    const { topOrigin } = faults;
    const origins = { origin: faults.origin ?? site.origin, ...(topOrigin === undefined ? {} : { topOrigin }) };
    return Buffer.from(JSON.stringify({ ...data, ...origins }));
  }

  function dataOf(faults: Faults, attested: readonly Buffer[] = []): Buffer {
    counter = faults.counter ?? (counts ? counter + 1 : 0);
    const verified = faults.isUnverified ? 0 : VERIFIED;
    const backedUp = faults.isNotBackedUp ? 0 : BACKED_UP;
    const flags = PRESENT | verified | BACKUP_ELIGIBLE | backedUp | (attested.length > 0 ? HAS_KEY : 0);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    return Buffer.concat([sha256(faults.rpId ?? site.rpId), Buffer.of(flags), count, ...attested]);
  }

  return {
    id,
    create(options, faults = {}) {
      user = options.user?.id ?? '';
      const length = Buffer.alloc(2);
      length.writeUInt16BE(credentialId.length);
      const data = dataOf(faults, [Buffer.alloc(16), length, credentialId, faults.publicKey ?? coseOf(keys.publicKey)]);
      const object = map([
        [text('fmt'), text('none')],
        [text('attStmt'), map([])],
        [text('authData'), bytes(data)],
      ]);
      const response = {
        clientDataJSON: clientDataOf('webauthn.create', options, faults).toString('base64url'),
        attestationObject: object.toString('base64url'),
        transports: ['internal', 'hybrid'],
      };
      return { id, response };
    },
    get(options, faults = {}) {
      const clientData = clientDataOf('webauthn.get', options, faults);
      const data = dataOf(faults);
      const key = faults.forged ? newKeys().privateKey : keys.privateKey;
      const signature = sign('sha256', Buffer.concat([data, sha256(clientData)]), key);
      const response = {
        clientDataJSON: clientData.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle: faults.userHandle ?? user,
      };
      return { id, response };
    },
  };
}

function newKeys() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}

/** A key for ES256 as COSE has it (RFC 9053). */
function coseOf(key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return map([
    [integer(1), integer(2)],
    [integer(3), integer(-7)],
    [integer(-1), integer(1)],
    [integer(-2), bytes(Buffer.from(x, 'base64url'))],
    [integer(-3), bytes(Buffer.from(y, 'base64url'))],
  ]);
}

/** One for ES384, which we do not ask for. */
export function foreignKey(): Buffer {
  return map([
    [integer(1), integer(2)],
    [integer(3), integer(-35)],
    [integer(-1), integer(2)],
    [integer(-2), bytes(randomBytes(48))],
    [integer(-3), bytes(randomBytes(48))],
  ]);
}

/** One for RS256 (RFC 8230) that takes so many bytes, of at least 300. */
export function rsaKey(length: number): Buffer {
  const withModulus = (modulus: Buffer) =>
    map([
      [integer(1), integer(3)],
      [integer(3), integer(-257)],
      [integer(-1), bytes(modulus)],
      [integer(-2), bytes(Buffer.of(1, 0, 1))],
    ]);
  const around = withModulus(Buffer.alloc(length)).length - length;
  return withModulus(randomBytes(length - around));
}

/** CBOR (RFC 8949): the head of an item. */
function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.of((major << 5) | value);
  if (value < 256) return Buffer.of((major << 5) | 24, value);
  return Buffer.of((major << 5) | 25, value >> 8, value & 255);
}

const integer = (value: number): Buffer => (value < 0 ? head(1, -1 - value) : head(0, value));
const bytes = (value: Buffer): Buffer => Buffer.concat([head(2, value.length), value]);
const text = (value: string): Buffer => Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
const map = (entries: [Buffer, Buffer][]): Buffer => Buffer.concat([head(5, entries.length), ...entries.flat()]);
