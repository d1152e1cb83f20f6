import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { idFromBytes, idToBytes } from '#kit/ids.ts';
import { hashOf } from '../tokens/hash.ts';

const ID_BYTES = 16;
const FAMILY_BYTES = 16;
const SECRET_BYTES = 32;
const TOKEN_BYTES = ID_BYTES + FAMILY_BYTES + SECRET_BYTES;
/** base64url of 64 bytes, without padding. */
const TOKEN = /^[\w-]{86}$/;

/**
 * A refresh token: the session, a part that all tokens of the session share, and one that each rotation changes. By the shared
 * part a token of the past is told from one that somebody made up, who knows no more than a session's id.
 */
export interface RefreshToken {
  sessionId: string;
  family: Buffer;
  secret: Buffer;
}

/** The first token of a session. @param family 16 bytes */
export function newRefreshToken(sessionId: string, family: Buffer = randomBytes(FAMILY_BYTES)): RefreshToken {
  return { sessionId, family, secret: randomBytes(SECRET_BYTES) };
}

/** What rotations mix into a token, so that its holder cannot foresee the next one. */
export function newRotationSalt(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/**
 * The token after this one. The same salt gives the same token: so two tabs get the same one, although only its hash is
 * stored, and neither the database nor the old token alone can tell it.
 */
export function nextRefreshToken(token: RefreshToken, salt: Uint8Array): RefreshToken {
  return { ...token, secret: createHmac('sha256', salt).update(token.secret).digest() };
}

/** The token as a client holds it. `decodeRefreshToken` reads it. */
export function encodeRefreshToken({ sessionId, family, secret }: RefreshToken): string {
  return Buffer.concat([idToBytes(sessionId), family, secret]).toString('base64url');
}

/** @returns undefined when the text is no refresh token */
export function decodeRefreshToken(text: string): RefreshToken | undefined {
  if (!TOKEN.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== TOKEN_BYTES) return undefined;
  return {
    sessionId: idFromBytes(bytes),
    family: bytes.subarray(ID_BYTES, ID_BYTES + FAMILY_BYTES),
    secret: bytes.subarray(ID_BYTES + FAMILY_BYTES),
  };
}

/** Whether the stored hash is that of this part of a token. */
export function matches(hash: Uint8Array | null, part: Uint8Array): boolean {
  return hash !== null && timingSafeEqual(hash, hashOf(part));
}
