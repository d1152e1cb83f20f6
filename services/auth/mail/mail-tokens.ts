import { createHmac, timingSafeEqual } from 'node:crypto';
import { idFromBytes, idToBytes, isId } from '#kit/ids.ts';

const ID_BYTES = 16;
const TAG_BYTES = 32;
/** Of all tokens. */
const TOKEN_CHARACTERS = ((ID_BYTES + TAG_BYTES) / 3) * 4;

/**
 * The secrets that mails carry. A token is the id of its mail and a keyed hash of it, so that it stands nowhere but in the mail: who reads the database, the
 * events or the logs has the id and not the key. Made again, for a mail that is sent again, it is the same.
 */
export interface MailTokens {
  make(mailId: string): string;
  /** @returns the mail's id; undefined when it is no token of ours, which is known without looking anything up */
  read(token: string): string | undefined;
}

/** @param secrets the first makes tokens, all verify them */
export function createMailTokens(secrets: readonly Uint8Array[]): MailTokens {
  const [newest] = secrets;
  if (newest === undefined) throw new Error('There is no secret for the tokens of mails.');
  return {
    make(mailId) {
      const id = idToBytes(mailId);
      return Buffer.concat([id, tagOf(newest, id)]).toString('base64url');
    },
    read(token) {
      if (!/^[\w-]+$/.test(token) || token.length !== TOKEN_CHARACTERS) return undefined;
      const bytes = Buffer.from(token, 'base64url');
      const [id, tag] = [bytes.subarray(0, ID_BYTES), bytes.subarray(ID_BYTES)];
      if (!secrets.some((secret) => timingSafeEqual(tagOf(secret, id), tag))) return undefined;
      const text = idFromBytes(id);
      return isId(text) ? text : undefined;
    },
  };
}

/** As `tokens/tags.ts` makes them, which stands above mails. */
function tagOf(secret: Uint8Array, id: Uint8Array): Buffer {
  return createHmac('sha256', secret).update('oxo mail token').update(id).digest();
}
