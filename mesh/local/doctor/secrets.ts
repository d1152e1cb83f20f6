import { DAY_MS, systemClock } from '#kit/clock.ts';
import { pending } from '../credentials/turns.ts';
import type { Secrets } from '../secrets.ts';
import type { StackPlan } from '../stack/plan.ts';
import { type Judgement, ok, type Probe, warn } from './examination.ts';

/** Whoever has seen a secret can use it until it is replaced. */
const maxAgeDays = 365;

/** How old the secrets are that nobody replaces by himself. The keys that sign tokens are looked at in their table. */
export function secretsProbe({ secrets }: StackPlan): Probe {
  return {
    area: 'state folder',
    name: 'secrets',
    look: () => judgeSecrets(secrets, systemClock.nowMs()),
    next: './oxo keys rotate-kek',
  };
}

/** @param nowMs the time by which they are old */
export function judgeSecrets(secrets: Secrets, nowMs: number): Judgement[] {
  const { formerKeyEncryptionKeys, keyEncryptionKeySince } = secrets;
  const found: Judgement[] = [];
  if (formerKeyEncryptionKeys.length > 0)
    found.push(
      warn('the key-encryption key is being replaced, and the former one still counts', './oxo keys rotate-kek'),
    );
  const days = ageInDays(keyEncryptionKeySince, nowMs);
  if (days !== undefined && days > maxAgeDays)
    found.push(warn(`the key-encryption key is ${days} days old`, './oxo keys rotate-kek'));
  const unfinished = pending(secrets);
  if (unfinished.length > 0)
    found.push(
      warn(`new and former secrets count of ${unfinished.join(', ')}`, './oxo credentials rotate, or ./oxo up'),
    );
  const old = Object.entries(secrets.services).filter(([, { since }]) => (ageInDays(since, nowMs) ?? 0) > maxAgeDays);
  if (old.length > 0) {
    const names = old.map(([name]) => name).join(', ');
    found.push(warn(`secrets of ${names} are older than ${maxAgeDays} days`, './oxo credentials rotate'));
  }
  return found.length > 0 ? found : [ok(`none is older than ${maxAgeDays} days`)];
}

/** Undefined when it is not known since when. */
function ageInDays(since: string | undefined, nowMs: number): number | undefined {
  const sinceMs = Date.parse(since ?? '');
  return Number.isNaN(sinceMs) ? undefined : Math.floor((nowMs - sinceMs) / DAY_MS);
}
