import { createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto';
import { ExternalSigningKey } from 'oidc-provider';
import { SIGNING_ALGORITHM } from '../keys/key-rows.ts';
import type { SigningKeys } from '../keys/signing-keys.ts';

/** A key of ours as the provider uses it: it signs with it and never sees its private half. */
class OurKey extends ExternalSigningKey {
  readonly #kid: string;
  readonly #publicKey: KeyObject;
  readonly #signWith: ((data: Uint8Array) => Promise<Buffer>) | undefined;

  constructor(kid: string, publicKey: KeyObject, signWith?: (data: Uint8Array) => Promise<Buffer>) {
    super();
    this.#kid = kid;
    this.#publicKey = publicKey;
    this.#signWith = signWith;
  }

  override get kid(): string {
    return this.#kid;
  }

  override get alg(): string {
    return SIGNING_ALGORITHM;
  }

  override keyObject(): KeyObject {
    return this.#publicKey;
  }

  override async sign(data: Uint8Array): Promise<Buffer> {
    if (this.#signWith === undefined) throw new Error(`The key ${this.kid} does not sign.`);
    return await this.#signWith(data);
  }
}

/** The keys for the provider: the one that signs, then those by which an ID token may still have to be recognised. */
export function providerKeys(keys: Pick<SigningKeys, 'current' | 'published'>): ExternalSigningKey[] {
  const current = keys.current();
  const published = keys.published().keys.map((jwk) => {
    const kid = jwk.kid ?? '';
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' } as JsonWebKeyInput);
    if (kid !== current.kid) return new OurKey(kid, publicKey);
    return new OurKey(kid, publicKey, async (data) => {
      const signature = await crypto.subtle.sign(
        'RSASSA-PKCS1-v1_5',
        current.privateKey,
        data as Uint8Array<ArrayBuffer>,
      );
      return Buffer.from(signature);
    });
  });
  return published.toSorted((a, b) => Number(b.kid === current.kid) - Number(a.kid === current.kid));
}
