import { z } from 'zod';
import { setting } from '#kit/process/config.ts';
import { keyRingProblem } from './key-ring.ts';
import type { KeySource } from './local-vault.ts';
import type { Custody } from './open-vault.ts';

const SERVICE_ACCOUNT_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const NAME = /^[A-Za-z0-9_-]{1,64}(\/[A-Za-z0-9_-]{1,64}){0,4}$/;

const name = () => setting.text().regex(NAME, 'must be letters, digits, - and _');

/** Several while one is being replaced: the first encrypts, all decrypt. */
const keyEncryptionKeys = () =>
  z.string().superRefine((text, context) => {
    const problem = keyRingProblem(text);
    if (problem !== undefined) context.addIssue(problem);
  });

/** What we show Vault and what it gives us must not cross a network in the clear. */
const vaultAddress = () => setting.url('https', 'http').refine(isPrivate, 'must be https, or http to this machine');

function isPrivate(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}

/** Where the key-encryption keys are: which settings are needed depends on the others. */
export function custodySettings(env: NodeJS.ProcessEnv) {
  const has = (setting: string): boolean => (env[setting] ?? '') !== '';
  const inVault = has('VAULT_ADDR');
  return {
    KEY_ENCRYPTION_KEY: has('KEY_ENCRYPTION_KEY_FILE')
      ? z.undefined('must not be set beside KEY_ENCRYPTION_KEY_FILE').optional()
      : inVault
        ? keyEncryptionKeys().optional()
        : keyEncryptionKeys(),
    KEY_ENCRYPTION_KEY_FILE: setting.text().optional(),
    KEY_VAULT: inVault
      ? z.enum(['local', 'transit']).default('transit')
      : z.enum(['local'], 'must be local, or VAULT_ADDR set').default('local'),
    VAULT_ADDR: vaultAddress().optional(),
    VAULT_NAMESPACE: setting.text().max(256).optional(),
    VAULT_CACERT: setting.text().optional(),
    VAULT_TRANSIT_MOUNT: name().default('transit'),
    VAULT_TRANSIT_KEY: name().default('oxo'),
    VAULT_TOKEN_FILE:
      inVault && !has('VAULT_KUBERNETES_ROLE')
        ? setting.text()
        : has('VAULT_KUBERNETES_ROLE')
          ? z.undefined('must not be set beside VAULT_KUBERNETES_ROLE').optional()
          : setting.text().optional(),
    VAULT_KUBERNETES_ROLE: name().optional(),
    VAULT_KUBERNETES_MOUNT: name().default('kubernetes'),
    VAULT_KUBERNETES_TOKEN_FILE: setting.text().default(SERVICE_ACCOUNT_FILE),
  };
}

/** @param read what the settings above have become */
export function custodyConfig(read: z.infer<z.ZodObject<ReturnType<typeof custodySettings>>>): Custody {
  const local = keySource(read.KEY_ENCRYPTION_KEY, read.KEY_ENCRYPTION_KEY_FILE);
  if (read.VAULT_ADDR === undefined) return { local: local ?? { key: '' } };
  const { VAULT_KUBERNETES_ROLE: role, VAULT_KUBERNETES_MOUNT: mount } = read;
  const login =
    role === undefined
      ? { tokenFile: read.VAULT_TOKEN_FILE ?? '' }
      : { kubernetes: { role, mount, serviceAccountFile: read.VAULT_KUBERNETES_TOKEN_FILE } };
  const transit = {
    ...{ address: read.VAULT_ADDR, namespace: read.VAULT_NAMESPACE, caFile: read.VAULT_CACERT },
    ...{ mount: read.VAULT_TRANSIT_MOUNT, key: read.VAULT_TRANSIT_KEY, login },
  };
  return { transit, encryptsBy: read.KEY_VAULT, ...(local === undefined ? {} : { local }) };
}

function keySource(key: string | undefined, file: string | undefined): KeySource | undefined {
  if (file !== undefined) return { file };
  return key === undefined ? undefined : { key };
}
