import { until } from '#kit/testing/until.ts';
import type { World } from './world.ts';

/** A mail that was sent and caught. */
export type CaughtMail = {
  readonly id: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
};

/** The mails to an address, oldest first, once there are so many. */
export async function mailsTo({ stack }: World, address: string, count = 1): Promise<CaughtMail[]> {
  const read = async <Body>(path: string): Promise<Body> => {
    const response = await fetch(`${stack.urls.mails}/api/mails${path}`);
    return (await response.json()) as Body;
  };
  let ids: string[] = [];
  await until(`${count} mails to ${address}`, async () => {
    const { mails } = await read<{ mails: { id: string }[] }>(`?to=${encodeURIComponent(address)}`);
    ids = mails.map(({ id }) => id).reverse();
    return ids.length >= count;
  });
  return Promise.all(ids.map(async (id) => (await read<{ mail: CaughtMail }>(`/${id}`)).mail));
}

/** The secret in the link of a mail. */
export function tokenIn({ text }: CaughtMail): string {
  const [, token] = /[?&]token=([\w-]+)/.exec(text) ?? [];
  if (token === undefined) throw new Error(`no token in: ${text}`);
  return token;
}
