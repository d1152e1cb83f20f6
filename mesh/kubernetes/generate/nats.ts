import { natsAccounts } from '#kit/events/jetstream/accounts.ts';
import { natsAdmin } from '../../local/servers/nats.ts';
import { natsUsers } from '../../local/servers/nats-users.ts';
import { services } from '../../local/services.ts';
import { externalSecret, render, vaultEntry } from './resources.ts';

/** The variable of the server's environment that holds a password. */
const variableOf = (user: string): string => `$NATS_${user === natsAdmin ? 'ADMIN' : user.toUpperCase()}`;

/** The ExternalSecret that is the server's environment. Quoted for its own syntax, which would take a password of digits for a number. */
export function renderNatsPasswords(): string {
  const owners = [{ owner: 'operator', user: natsAdmin }, ...services.map(({ name }) => ({ owner: name, user: name }))];
  const template = owners.map(({ owner, user }) => [variableOf(user).slice(1), `{{ .${owner} | quote }}`]);
  const entries = owners.map(({ owner }) => vaultEntry(owner, owner, 'nats'));
  return render(externalSecret('nats', Object.fromEntries(template), entries));
}

/** The configuration of a server of the cluster: the accounts and rights of one machine, with passwords from its environment. */
export async function renderNatsConfig(): Promise<string> {
  const passwords = new Map(services.map(({ name }) => [name, variableOf(name)]));
  const administrator = { name: natsAdmin, password: variableOf(natsAdmin) };
  const accounts = natsAccounts(administrator, await natsUsers(services, passwords));
  const tls = {
    cert_file: '/etc/nats-tls/tls.crt',
    key_file: '/etc/nats-tls/tls.key',
    ca_file: '/etc/nats-tls/ca.crt',
  };
  const peers = [0, 1, 2].map((peer) => `nats://nats-${peer}.nats-peers.oxo-infra:6222`);
  const config = {
    // By the file, not --name: the server would not take the file anew, and so no renewed certificate, without it.
    server_name: '$POD_NAME',
    port: 4222,
    http_port: 8222,
    max_connections: 4_096,
    max_payload: 256 * 1024,
    max_control_line: 8 * 1024,
    max_pending: 16 * 1024 * 1024,
    max_subscriptions: 1_024,
    write_deadline: '10s',
    lame_duck_duration: '30s',
    lame_duck_grace_period: '5s',
    tls: { ...tls, timeout: 5 },
    // Only who has a certificate of ours is a peer. Clients come by the Service, whose name the certificate holds, and hear of no other.
    cluster: {
      ...{ name: 'oxo', no_advertise: true, routes: peers, tls: { ...tls, verify: true, timeout: 5 } },
      // 0 where there is one server alone, which would wait for the others.
      port: '$NATS_CLUSTER_PORT',
    },
    jetstream: {
      store_dir: '/data',
      max_memory_store: 64 * 1024 * 1024,
      max_file_store: 45 * 1024 * 1024 * 1024,
      // What was acknowledged is on the disks of most servers, also when the power of all fails at once.
      sync_interval: 'always',
    },
    authorization: { timeout: 5 },
    accounts,
  };
  // The server reads JSON, and a word that begins with $ and is not quoted as a variable.
  return `${JSON.stringify(config, null, 2).replaceAll(/"(\$[A-Z0-9_]+)"/g, '$1')}\n`;
}
