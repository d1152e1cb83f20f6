import { TOKENS, workloads } from '../../istio/callers.ts';
import { services } from '../../local/services.ts';
import { render, vaultEntry } from './resources.ts';

/** Who shows auth a secret of its own: those that get tokens, and auth itself. */
function tokenHolders(): string[] {
  const callers = Object.entries(workloads.auth?.callers ?? {});
  return ['auth', ...callers.filter(([, { rpcs }]) => rpcs.includes(TOKENS)).map(([name]) => name)];
}

/** To the ExternalSecret of auth: SHA-256 of what each caller shows. Auth's own secret is there already. */
export function renderSecretHashes(): string {
  const keyOf = (name: string) => (name === 'auth' ? 'service' : `${name}_service`);
  const hashes = tokenHolders().map((name) => `${name}={{ .${keyOf(name)} | sha256sum }}`);
  const others = tokenHolders().filter((name) => name !== 'auth');
  return render([
    { op: 'add', path: '/spec/target/template/data/SERVICE_SECRET_HASHES', value: hashes.join() },
    ...others.map((name) => addEntry(vaultEntry(keyOf(name), name, 'service'))),
  ]);
}

/** To the ExternalSecret of the migration, which makes the roles: the password of each service's. */
export function renderServicePasswords(): string {
  const passwords = services.map(({ name }) => `${name}={{ .${name}_database }}`);
  return render([
    { op: 'add', path: '/spec/target/template/data/SERVICE_PASSWORDS', value: passwords.join() },
    ...services.map(({ name }) => addEntry(vaultEntry(`${name}_database`, name, 'database'))),
  ]);
}

const addEntry = (value: object) => ({ op: 'add', path: '/spec/data/-', value });
