import { type Clock, DAY_MS } from '#kit/clock.ts';
import { cleanUp, defineCleanUp } from '#kit/db/clean-up.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import { originOf } from '../audit/audit-log.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import { surroundingsOf } from '../origin/device.ts';
import { knownDeviceName } from '../origin/device-name.ts';
import { hashOf } from '../tokens/hash.ts';
import { createTaggedTokens } from '../tokens/tags.ts';

/** So long a device is known after the last sign-in on it, and so many of one account. */
export const DEVICE_KEPT_MS = 180 * DAY_MS;
const MAX_DEVICES = 20;
/** So long nobody is told again of what looks like the same device in the same surroundings. */
const TOLD_FOR_MS = DAY_MS;

const ADD = {
  name: 'known-device-add',
  // Once a day is enough. Whoever is deleted meanwhile is known nowhere; nor what signed in before all devices were forgotten.
  text: `with surplus as (
      delete from known_devices where account_id = $1 and device_hash in (select device_hash from known_devices
        where account_id = $1 and device_hash <> $2 order by last_seen_at_ms desc, device_hash offset ${MAX_DEVICES - 1} limit ${MAX_DEVICES}))
    insert into known_devices (account_id, device_hash, last_seen_at_ms) select id, $2, $3 from accounts
      where id = $1 and browser_epoch = coalesce($4, browser_epoch) for share
    on conflict (account_id, device_hash) do update set last_seen_at_ms = excluded.last_seen_at_ms
      where known_devices.last_seen_at_ms < excluded.last_seen_at_ms - ${DAY_MS}
    returning xmax = 0 as "isNew"`,
};
const HAS = {
  name: 'known-device-has',
  text: 'select 1 from known_devices where account_id = $1 and device_hash = $2',
};
const TOLD = {
  name: 'known-device-told',
  text: `select params from mails where account_id = $1 and kind = 'NEW_DEVICE' and created_at_ms > $2
    order by created_at_ms desc limit 200`,
};
const CLEAN_UP = defineCleanUp({
  name: 'known-devices-clean-up',
  table: 'known_devices',
  where: 'last_seen_at_ms <= $1',
});

/** Values: account, the device that stays known. */
const FORGET = {
  name: 'known-devices-forget',
  text: 'delete from known_devices where account_id = $1 and device_hash is distinct from $2',
};

/**
 * On what somebody has signed in to an account: there nobody else's tries keep anybody out. A device is named by a token, as OWASP's device
 * cookies do; it opens nothing, and only tells its holder's tries from those of strangers.
 */
export interface KnownDevices {
  /** Whether the account knows the device. @param token as it came; what we have not made is not looked for */
  has(accountId: string, token: string): Promise<boolean>;
  /**
   * Notes that somebody has signed in.
   * @param token as it came, empty for none
   * @param call of a sign-in of which the owner is to be told when the device is new, unless that was done within a day of what looks the same; of a
   *   registration there is none
   * @param epoch of the account in which the sign-in was: in another one it is not noted
   * @returns the token that the device is to keep: the one that it has, or a new one
   */
  remember(accountId: string, token: string, call?: MailCall, epoch?: number): Promise<string>;
  /** Forgets those on which nobody has signed in for 180 days. */
  cleanUp(): Promise<void>;
}

/** @param options.tagSecrets see `createTags` */
export function createKnownDevices(options: {
  db: Database;
  mail: Pick<Mail, 'notify'>;
  tagSecrets: readonly Uint8Array[];
  clock: Clock;
}): KnownDevices {
  const { db, mail, clock } = options;
  const tokens = createTaggedTokens(options.tagSecrets, 'device');

  /** Programs that keep no token are new each time: their owner hears of it once a day and not once a sign-in. */
  async function wasTold(tx: Transaction, accountId: string, call: MailCall): Promise<boolean> {
    const told = await tx.query<{ params: Partial<Origin> }>(TOLD, [accountId, clock.nowMs() - TOLD_FOR_MS]);
    const looks = looksOf(originOf(call));
    return told.some(({ params }) => looksOf(params) === looks);
  }
  return {
    async has(accountId, token) {
      if (!tokens.isOurs(token)) return false;
      return (await db.query(HAS, [accountId, hashOfDevice(accountId, token)])).length > 0;
    },
    async remember(accountId, token, call, epoch) {
      const kept = tokens.isOurs(token) ? token : tokens.create();
      await db.transaction(async (tx) => {
        const values = [accountId, hashOfDevice(accountId, kept), clock.nowMs(), epoch ?? null];
        const [added] = await tx.query<{ isNew: boolean }>(ADD, values);
        if (call === undefined || !added?.isNew || (await wasTold(tx, accountId, call))) return;
        await mail.notify(tx, { kind: 'NEW_DEVICE', accountId }, call);
      });
      return kept;
    },
    async cleanUp() {
      await cleanUp(db, CLEAN_UP, [clock.nowMs() - DEVICE_KEPT_MS]);
    },
  };
}

/**
 * Forgets the devices of an account: who had it in hand may still have a token of one. From now on each is new, and told.
 * @param keptToken of the one that stays known, as it came
 */
export async function forgetDevices(tx: Transaction, accountId: string, keptToken?: string): Promise<void> {
  await tx.query(FORGET, [accountId, keptToken === undefined ? null : hashOfDevice(accountId, keptToken)]);
}

type Origin = ReturnType<typeof originOf>;

/** As a mail tells of it: what the device is, and whereabouts. */
function looksOf({ network = '', userAgent = '' }: Partial<Origin>): string {
  return JSON.stringify([knownDeviceName(userAgent) || userAgent, surroundingsOf(network)]);
}

/** What is stored of a device that an account knows. */
function hashOfDevice(accountId: string, token: string): Buffer {
  return hashOf(`${accountId} ${token}`);
}
