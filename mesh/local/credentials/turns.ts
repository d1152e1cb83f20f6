/** How secrets take turns: the new ones count beside the former ones until nobody uses these any more. */
import { DAY_MS, systemClock } from '#kit/clock.ts';
import {
  type Credentials,
  type FormerSecret,
  key,
  newCredentials,
  operatorName,
  password,
  type Secrets,
} from '../secrets.ts';

/** What is replaced besides the secrets of services, by the names that the operator says. */
export const otherNames = [operatorName, 'ratelimit', 'monitoring', 'audit', 'cookies', 'tags', 'mails'] as const;
type OtherName = (typeof otherNames)[number];

/** So long there is something that was signed by them: a browser's session, an API key or a known device, a mail. */
const signedDays = { cookies: 30, tags: 400, mails: 7 };
/** So many count at once; one that would be too many is not made, since what another has signed would count no more. */
const maxFormer = 10;

/** Both users of a service on a server; which of them has the present password says `second`. */
export function userNames(service: string): readonly [string, string] {
  return [service, `${service}_2`];
}

export function userOf(service: string, { second }: Pick<Credentials, 'second'>): string {
  return userNames(service)[second ? 1 : 0];
}

/** The service whose user this is. */
export function ownerOf(user: string): string {
  return user.replace(/_2$/, '');
}

/** Whose secrets are being replaced. */
export function pending(secrets: Secrets): string[] {
  const services = Object.entries(secrets.services).filter(([, { former }]) => former !== undefined);
  const others: Record<OtherName, unknown> = {
    operator: secrets.formerOperator,
    ratelimit: secrets.formerRatelimit,
    monitoring: secrets.formerMonitoring,
    audit: secrets.formerAuditOwner,
    cookies: secrets.nextOauthCookies,
    tags: secrets.nextApiKeyTags,
    mails: secrets.nextMailTokens,
  };
  return [...services.map(([name]) => name), ...otherNames.filter((name) => others[name] !== undefined)];
}

/** The secrets that got tokens and are being replaced. */
export function formerTokenSecrets({
  services,
  formerOperator,
}: Pick<Secrets, 'services' | 'formerOperator'>): string[] {
  const former = [...Object.values(services).map((one) => one.former?.service), formerOperator];
  return former.filter((secret) => secret !== undefined);
}

/** New secrets for these services (and others), beside the former ones. */
export function replaceSecrets(secrets: Secrets, names: readonly string[]): Secrets {
  const services = Object.entries(secrets.services).map(([name, { former: _, since: __, ...present }]) => [
    name,
    names.includes(name) ? { ...newCredentials(!present.second), former: present } : secrets.services[name],
  ]);
  const { operator, ratelimit, ratelimitSecond, auditOwner, auditSecond } = secrets;
  const others: Record<OtherName, () => Partial<Secrets>> = {
    operator: () => ({ operator: password(), formerOperator: operator }),
    ratelimit: () => ({ ratelimit: password(), ratelimitSecond: !ratelimitSecond, formerRatelimit: ratelimit }),
    // Redis takes both, Postgres the new one alone: until its exporter is started again it may miss a look.
    monitoring: () => ({
      ...{ monitoring: password(), formerMonitoring: secrets.monitoring },
      ...{ redisMonitoring: password(), formerRedisMonitoring: secrets.redisMonitoring },
      // It knows one password at a time.
      prometheus: password(),
    }),
    audit: () => ({ auditOwner: password(), auditSecond: !auditSecond, formerAuditOwner: auditOwner }),
    cookies: () => (isFull(secrets.formerOauthCookies) ? {} : { nextOauthCookies: key() }),
    tags: () => (isFull(secrets.formerApiKeyTags) ? {} : { nextApiKeyTags: key() }),
    mails: () => (isFull(secrets.formerMailTokens) ? {} : { nextMailTokens: key() }),
  };
  const changes = otherNames.filter((name) => names.includes(name)).map((name) => others[name]());
  return Object.assign({}, secrets, ...changes, { services: Object.fromEntries(services) });
}

/** Only the present ones; and of what signs, those by which something that still counts was signed. */
export function withoutFormer(secrets: Secrets): Secrets {
  if (pending(secrets).length === 0) return secrets;
  const { nextOauthCookies, nextApiKeyTags, nextMailTokens, oauthCookies, apiKeyTags, mailTokens, ...rest } = secrets;
  const services = Object.entries(secrets.services).map(([name, { former: _, ...present }]) => [name, present]);
  const formerOauthCookies = formersOf(oauthCookies, nextOauthCookies, secrets.formerOauthCookies, signedDays.cookies);
  const formerApiKeyTags = formersOf(apiKeyTags, nextApiKeyTags, secrets.formerApiKeyTags, signedDays.tags);
  const formerMailTokens = formersOf(mailTokens, nextMailTokens, secrets.formerMailTokens, signedDays.mails);
  return {
    ...rest,
    ...{
      formerOperator: undefined,
      formerRatelimit: undefined,
      formerMonitoring: undefined,
      formerRedisMonitoring: undefined,
      formerAuditOwner: undefined,
    },
    ...{ oauthCookies: nextOauthCookies ?? oauthCookies, apiKeyTags: nextApiKeyTags ?? apiKeyTags },
    ...{ mailTokens: nextMailTokens ?? mailTokens, formerOauthCookies, formerApiKeyTags, formerMailTokens },
    services: Object.fromEntries(services),
  };
}

/** What verifies, the one that signs first: the next one signs only when it is known everywhere. */
export function signersOf(
  present: string,
  next: string | undefined,
  former: readonly FormerSecret[] | undefined,
): string {
  const all = [present, next, ...living(former).map(({ secret }) => secret)];
  return all.filter((secret) => secret !== undefined).join();
}

/** Users of the rate limit service at its Redis, and their passwords; the present one first. */
export function ratelimitUsers({ ratelimit, ratelimitSecond = false, formerRatelimit }: Secrets): Map<string, string> {
  const present = [userOf('ratelimit', { second: ratelimitSecond }), ratelimit] as const;
  const former = [userOf('ratelimit', { second: !ratelimitSecond }), formerRatelimit ?? ''] as const;
  return new Map(formerRatelimit === undefined ? [present] : [present, former]);
}

function formersOf(
  present: string,
  next: string | undefined,
  former: readonly FormerSecret[] | undefined,
  days: number,
): readonly FormerSecret[] | undefined {
  if (next === undefined) return former;
  const until = new Date(systemClock.nowMs() + days * DAY_MS).toISOString();
  return [{ secret: present, until }, ...living(former)];
}

function living(former: readonly FormerSecret[] = []): readonly FormerSecret[] {
  return former.filter(({ until }) => Date.parse(until) > systemClock.nowMs());
}

function isFull(former: readonly FormerSecret[] | undefined): boolean {
  return living(former).length >= maxFormer;
}
