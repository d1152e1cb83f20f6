import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { idFromBytes, idToBytes } from '#kit/ids.ts';

const GENERATION_BYTES = 3;
const SECRET_BYTES = 32;
const TAG_BYTES = 16;
/** `oxo_<id>_<secret>`: the id in hexadecimal digits, the secret 51 bytes in base64url, which need no padding. */
const KEY = /^oxo_([0-9a-f]{32})_([\w-]{68})$/;
const PREFIX = 'oxo_';

/** What an API key holds. */
export interface KeyParts {
  keyId: string;
  /** Which of the key's secrets it is, counted from 1. */
  generation: number;
  /** 256 random bits. */
  secret: Buffer;
}

/**
 * How an API key is written. Its last part is a tag, an HMAC of all that is before under a key of ours: who guesses, or puts another's id
 * before a secret of their own, is told so by it alone, before anything is hashed or read.
 */
export interface KeyText {
  encode(parts: KeyParts): string;
  /** @returns undefined when it is no key that we have made */
  decode(text: string): KeyParts | undefined;
}

/** @param tagSecrets the first makes tags, all verify them; without one of them, the keys that it has tagged are worth nothing */
export function createKeyText(tagSecrets: readonly Uint8Array[]): KeyText {
  const [own] = tagSecrets;
  if (own === undefined) throw new Error('There is no secret for the tags of API keys.');
  return {
    encode({ keyId, generation, secret }) {
      const number = Buffer.alloc(GENERATION_BYTES);
      number.writeUIntBE(generation, 0, GENERATION_BYTES);
      const id = idToBytes(keyId);
      const body = Buffer.concat([number, secret]);
      return `${PREFIX}${id.toString('hex')}_${Buffer.concat([body, tagOf(own, id, body)]).toString('base64url')}`;
    },
    decode(text) {
      const [, idDigits, rest] = KEY.exec(text) ?? [];
      if (idDigits === undefined || rest === undefined) return undefined;
      const id = Buffer.from(idDigits, 'hex');
      const bytes = Buffer.from(rest, 'base64url');
      const body = bytes.subarray(0, GENERATION_BYTES + SECRET_BYTES);
      const tag = bytes.subarray(body.length);
      if (!tagSecrets.some((secret) => timingSafeEqual(tag, tagOf(secret, id, body)))) return undefined;
      return {
        keyId: idFromBytes(id),
        generation: body.readUIntBE(0, GENERATION_BYTES),
        secret: body.subarray(GENERATION_BYTES),
      };
    },
  };
}

/** A new secret. */
export function newSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/** Whether somebody takes the text for an API key, right or wrong. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith(PREFIX);
}

function tagOf(secret: Uint8Array, id: Uint8Array, body: Uint8Array): Buffer {
  return createHmac('sha256', secret).update('api-key').update(id).update(body).digest().subarray(0, TAG_BYTES);
}
