import { type Clock, SECOND_MS } from '#kit/clock.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import type { Rewrapping } from './rewrapping.ts';
import type { KeyRotation } from './rotation.ts';
import type { SigningKeys } from './signing-keys.ts';

/** Metrics of how old the keys are, as this process knows them: no key, and no id of one. */
export function measureKeys(options: {
  metrics: Metrics;
  keys: Pick<SigningKeys, 'signsSinceMs'>;
  rotation: Pick<KeyRotation, 'rotateAfterMs'>;
  rewrapping: Pick<Rewrapping, 'encryptsSinceMs'>;
  clock: Clock;
}): void {
  const { metrics, keys, rotation, rewrapping, clock } = options;
  const age = metrics.gauge({
    name: 'oxo_auth_key_age_seconds',
    help: 'How long the key that signs tokens has signed, and the key-encryption key has been in use.',
    labelNames: ['key'],
  });
  const expires = metrics.gauge({
    name: 'oxo_auth_key_expires_seconds',
    help: 'How long it is until the schedule replaces the key; below 0 when that is overdue.',
    labelNames: ['key'],
  });
  metrics.onCollect(() => {
    const ageMs = clock.nowMs() - keys.signsSinceMs();
    age.set({ key: 'signing' }, ageMs / SECOND_MS);
    if (rotation.rotateAfterMs !== undefined)
      expires.set({ key: 'signing' }, (rotation.rotateAfterMs - ageMs) / SECOND_MS);
  });
  metrics.onCollect(async () => {
    age.set({ key: 'encryption' }, (clock.nowMs() - (await rewrapping.encryptsSinceMs())) / SECOND_MS);
  });
}
