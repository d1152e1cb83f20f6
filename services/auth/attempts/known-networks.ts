import { type Clock, DAY_MS } from '#kit/clock.ts';
import { cleanUp, defineCleanUp } from '#kit/db/clean-up.ts';
import type { Queryable } from '#kit/db/database.ts';

/** So long a network is known after the last sign-in from it, and so many of one account. */
const KEPT_MS = 180 * DAY_MS;
const MAX_NETWORKS = 20;

const ADD = {
  name: 'known-network-add',
  // Once a day is enough. Whoever is deleted meanwhile is known nowhere.
  text: `with surplus as (
      delete from known_networks where account_id = $1 and network_hash in (select network_hash from known_networks
        where account_id = $1 and network_hash <> $2 order by last_seen_at_ms desc, network_hash offset ${MAX_NETWORKS - 1} limit ${MAX_NETWORKS}))
    insert into known_networks (account_id, network_hash, last_seen_at_ms) select id, $2, $3 from accounts where id = $1
    on conflict (account_id, network_hash) do update set last_seen_at_ms = excluded.last_seen_at_ms
      where known_networks.last_seen_at_ms < excluded.last_seen_at_ms - ${DAY_MS}`,
};
const HAS = {
  name: 'known-network-has',
  text: 'select 1 from known_networks where account_id = $1 and network_hash = $2',
};
const CLEAN_UP = defineCleanUp({
  name: 'known-networks-clean-up',
  table: 'known_networks',
  where: 'last_seen_at_ms <= $1',
});

/** From where somebody has signed in to an account: strangers who try passwords keep nobody out there. */
export interface KnownNetworks {
  add(accountId: string, networkHash: Buffer): Promise<void>;
  has(accountId: string, networkHash: Buffer): Promise<boolean>;
  /** Forgets where nobody has signed in for 180 days. */
  cleanUp(): Promise<void>;
}

export function createKnownNetworks(db: Queryable, clock: Clock): KnownNetworks {
  return {
    async add(accountId, networkHash) {
      await db.query(ADD, [accountId, networkHash, clock.nowMs()]);
    },
    async has(accountId, networkHash) {
      return (await db.query(HAS, [accountId, networkHash])).length > 0;
    },
    async cleanUp() {
      await cleanUp(db, CLEAN_UP, [clock.nowMs() - KEPT_MS]);
    },
  };
}
