import { DAY_MS, systemClock } from '#kit/clock.ts';
import { inDatabase } from '../testing/database.ts';
import type { World } from '../testing/world.ts';
import type { Fault } from './fault.ts';

/** Nobody has come to rotate: the key has signed for years, and the one that comes next may not sign yet. */
export const keysOld: Fault = {
  fires: [{ alert: 'SigningKeyOld' }, { alert: 'EncryptionKeyOld' }],
  // A process reads them when it starts, and once a minute.
  mayFire: ['ServiceDown'],
  cause: async ({ world }) => {
    const ageing = await ageKeys(world);
    await world.kill('auth');
    return async () => {
      await ageing.undo();
      await world.kill('auth');
    };
  },
};

type Key = { readonly kid: string; readonly created: string; readonly activated: string | null };
type Wrapping = { readonly id: string; readonly used: string };

/** Keys that have been in use for decades. @returns how they get back what stood there */
async function ageKeys({ stack }: World): Promise<{ undo: () => Promise<void> }> {
  const { database } = stack.urls;
  const before = await inDatabase(database, async (client) => {
    const keys = await client.query<Key>(
      'select kid, created_at_ms as created, activated_at_ms as activated from auth.signing_keys',
    );
    const wrapping = await client.query<Wrapping>(
      'select key_id as id, first_used_at_ms as used from auth.encryption_keys',
    );
    const nextYear = systemClock.nowMs() + 365 * DAY_MS;
    await client.query("update auth.signing_keys set activated_at_ms = 1 where state = 'CURRENT'");
    await client.query("update auth.signing_keys set created_at_ms = $1 where state = 'NEXT'", [nextYear]);
    await client.query('update auth.encryption_keys set first_used_at_ms = 1');
    return { keys: keys.rows, wrapping: wrapping.rows };
  });
  const undo = () =>
    inDatabase(database, async (client) => {
      const ofKey = 'update auth.signing_keys set created_at_ms = $2, activated_at_ms = $3 where kid = $1';
      for (const { kid, created, activated } of before.keys) await client.query(ofKey, [kid, created, activated]);
      const ofWrapping = 'update auth.encryption_keys set first_used_at_ms = $2 where key_id = $1';
      for (const { id, used } of before.wrapping) await client.query(ofWrapping, [id, used]);
    });
  return { undo };
}
