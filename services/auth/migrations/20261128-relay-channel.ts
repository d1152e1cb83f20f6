import { Migration } from '@mikro-orm/migrations';
import { relayChannelV1 } from '#kit/events/outbox/relay-link.ts';

/** The channel of the relay, by a name that no other service can guess. */
export class RelayChannel extends Migration {
  override up(): void {
    this.addSql(relayChannelV1);
  }

  override down(): void {
    this.addSql('drop table relay_channel;');
  }
}
