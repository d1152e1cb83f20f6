/** How the secrets of services take turns: the new ones count beside the former ones until nobody uses these any more. */
import { type Credentials, newCredentials, operatorName, password, type Secrets } from '../secrets.ts';

/** Both users of a service on a server; which of them has the present password says `second`. */
export function userNames(service: string): readonly [string, string] {
  return [service, `${service}_2`];
}

export function userOf(service: string, { second }: Credentials): string {
  return userNames(service)[second ? 1 : 0];
}

/** The service whose user this is. */
export function ownerOf(user: string): string {
  return user.replace(/_2$/, '');
}

/** Whose secrets are being replaced. */
export function pending(secrets: Secrets): string[] {
  const services = Object.entries(secrets.services).filter(([, { former }]) => former !== undefined);
  return [...services.map(([name]) => name), ...(secrets.formerOperator === undefined ? [] : [operatorName])];
}

/** New secrets for these services (and the operator), beside the former ones. */
export function replaceSecrets(secrets: Secrets, names: readonly string[]): Secrets {
  const services = Object.entries(secrets.services).map(([name, { former: _, since: __, ...present }]) => [
    name,
    names.includes(name) ? { ...newCredentials(!present.second), former: present } : secrets.services[name],
  ]);
  return {
    ...secrets,
    ...(names.includes(operatorName) ? { operator: password(), formerOperator: secrets.operator } : {}),
    services: Object.fromEntries(services),
  };
}

/** Only the present ones. */
export function withoutFormer(secrets: Secrets): Secrets {
  if (pending(secrets).length === 0) return secrets;
  const services = Object.entries(secrets.services).map(([name, { former: _, ...present }]) => [name, present]);
  return { ...secrets, formerOperator: undefined, services: Object.fromEntries(services) };
}
