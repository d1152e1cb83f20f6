import { stringify } from 'yaml';

/** Resources as a file holds them. */
export function render(...resources: readonly object[]): string {
  return resources.map((one) => stringify(one, { aliasDuplicateObjects: false, lineWidth: 0 })).join('---\n');
}

/** Where a secret lies in Vault, and by which name a template has it. */
export type VaultEntry = {
  readonly secretKey: string;
  readonly remoteRef: { readonly key: string; readonly property: string };
};

/** @param owner whose secrets they are: `oxo/<owner>` in Vault */
export function vaultEntry(secretKey: string, owner: string, property: string): VaultEntry {
  return { secretKey, remoteRef: { key: `oxo/${owner}`, property } };
}

/** An ExternalSecret, and the Secret of the same name that is made of it. */
export function externalSecret(
  name: string,
  template: Readonly<Record<string, string>>,
  data: readonly VaultEntry[],
): object {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name },
    spec: {
      refreshInterval: '15m',
      secretStoreRef: { kind: 'SecretStore', name: 'vault' },
      target: { name, template: { data: template } },
      data,
    },
  };
}
