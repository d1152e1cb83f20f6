import { systemClock } from '#kit/clock.ts';
import type { Secrets } from '../../../secrets.ts';
import { withClient } from '../../../servers/postgres-client.ts';
import type { StackPlan } from '../../../stack/plan.ts';
import { readSigningKeys } from '../../../stack/signing-keys.ts';

/** How old the keys are that protect everything. */
export type KeysHealth = {
  /** Of the key that signs tokens now; undefined when there is none yet. */
  readonly signingAgeSeconds: number | undefined;
  /** Whether the key that follows is published already. */
  readonly nextIsPublished: boolean;
  /** Of the key-encryption key; undefined when it is not known since when it counts. */
  readonly encryptionAgeSeconds: number | undefined;
  /** Undefined: signing keys are not replaced by themselves. */
  readonly rotateAfterDays: number | undefined;
};

const timeoutMs = 1_200;

/** Reads as auth's own user. Undefined where there is no auth. Rejects when Postgres is away. */
export async function readKeys(
  { services, urls, secrets }: Pick<StackPlan, 'services' | 'urls' | 'secrets'>,
  rotateAfterDays: number,
): Promise<KeysHealth | undefined> {
  const auth = services.find(({ name }) => name === 'auth');
  if (auth === undefined) return undefined;
  const options = { connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs, application_name: 'oxo-status' };
  const keys = await withClient(urls.databases.auth ?? '', options, (client) => readSigningKeys(client, auth));
  const current = keys?.find(({ state }) => state === 'CURRENT');
  return {
    signingAgeSeconds: current?.sinceMs === undefined ? undefined : ageSeconds(current.sinceMs),
    nextIsPublished: keys?.some(({ state }) => state === 'NEXT') ?? false,
    encryptionAgeSeconds: encryptionAge(secrets),
    rotateAfterDays: rotateAfterDays > 0 ? rotateAfterDays : undefined,
  };
}

function encryptionAge({ keyEncryptionKeySince }: Secrets): number | undefined {
  const sinceMs = Date.parse(keyEncryptionKeySince ?? '');
  return Number.isNaN(sinceMs) ? undefined : ageSeconds(sinceMs);
}

function ageSeconds(sinceMs: number): number {
  return Math.max(0, (systemClock.nowMs() - sinceMs) / 1_000);
}
