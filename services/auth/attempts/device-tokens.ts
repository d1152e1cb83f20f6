import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const ID_BYTES = 16;
const TAG_BYTES = 16;
/** base64url of 32 bytes, without padding. */
const TOKEN = /^[\w-]{43}$/;

/**
 * Names a device on which somebody has signed in, as OWASP's device cookies do. It opens nothing: it tells its holder's tries from those of
 * strangers. A random part and a tag under a key of ours, so that what somebody made up is told by it alone.
 */
export interface DeviceTokens {
  create(): string;
  /** Whether it is one that we have made. */
  isOurs(text: string): boolean;
}

/** @param secrets the first makes tags, all verify them; without one of them, the devices that it has tagged are unknown */
export function createDeviceTokens(secrets: readonly Uint8Array[]): DeviceTokens {
  const [own] = secrets;
  if (own === undefined) throw new Error('There is no secret for the tags of devices.');
  return {
    create() {
      const id = randomBytes(ID_BYTES);
      return Buffer.concat([id, tagOf(own, id)]).toString('base64url');
    },
    isOurs(text) {
      if (!TOKEN.test(text)) return false;
      const bytes = Buffer.from(text, 'base64url');
      const [id, tag] = [bytes.subarray(0, ID_BYTES), bytes.subarray(ID_BYTES)];
      return secrets.some((secret) => timingSafeEqual(tag, tagOf(secret, id)));
    },
  };
}

/** What is stored of a device that an account knows. */
export function hashOfDevice(accountId: string, token: string): Buffer {
  return createHash('sha256').update(`${accountId} ${token}`).digest();
}

function tagOf(secret: Uint8Array, id: Uint8Array): Buffer {
  return createHmac('sha256', secret).update('device').update(id).digest().subarray(0, TAG_BYTES);
}
