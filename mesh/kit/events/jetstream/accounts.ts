/**
 * The accounts of a NATS server, as its configuration has them: the streams are in one, and each service is in one of its own.
 *
 * The server does not ask where the answer to a request may go. In one account with the streams, whoever may ask for anything could
 * have the answer sent to `$JS.API.STREAM.DELETE.<stream>`, or to a subject that a stream keeps, in anybody's name. From another account
 * a request goes on with a reply subject of the server's own, and the answer comes back to where it was asked from, and no further.
 */
import type { NatsPermissions } from '#kit/events/jetstream/permissions.ts';

export interface NatsUser {
  name: string;
  password: string;
  /** Name of the service, and of its account; its users share it. */
  service: string;
  permissions: NatsPermissions;
}

interface Export {
  service?: string;
  stream?: string;
  accounts: string[];
  response_type?: 'stream';
  /** How long answers may be apart. */
  response_threshold?: string;
}

interface Import {
  service?: { account: string; subject: string };
  stream?: { account: string; subject: string };
}

export interface NatsAccount {
  jetstream?: 'enabled';
  users: { user: string; password: string; permissions?: NatsPermissions }[];
  exports?: Export[];
  imports?: Import[];
}

/** The account of the streams, and so the folder that the server keeps them in. */
export const STREAMS_ACCOUNT = 'OXO';

/** That of the streams of a server without accounts; no account may be given this name. */
export const NO_ACCOUNT = '$G';

/** Pulls and reads of several messages have many answers. A pull waits for ten seconds, and gives a sign of life every five. */
const MANY_ANSWERS = /^\$JS\.API\.(CONSUMER\.MSG\.NEXT|DIRECT\.GET)\./;
const LONGEST_SILENCE = '30s';
/** Where nobody else answers this, the server itself answers all of `$JS.API.>`, by saying that the account has no streams. */
const ANSWERED = '$JS.API.INFO';

/**
 * What the users may do makes their account: it gets each subject that one of them may publish as a service of the streams' account, and
 * each that one may hear, but for answers, as a stream.
 * @param administrator has all rights, in the account of the streams
 */
export function natsAccounts(
  administrator: { name: string; password: string },
  users: readonly NatsUser[],
): Record<string, NatsAccount> {
  const asked = new Map<string, string[]>();
  const heard = new Map<string, string[]>();
  const accounts: Record<string, NatsAccount> = {};
  for (const [service, own] of Map.groupBy(users, (user) => user.service)) {
    const publishes = withoutCovered([ANSWERED, ...own.flatMap(({ permissions }) => permissions.publish.allow)]);
    const hears = withoutCovered(own.flatMap(({ permissions }) => permissions.subscribe.allow)).filter(
      (subject) => !subject.startsWith('_INBOX'),
    );
    for (const subject of publishes) asked.set(subject, [...(asked.get(subject) ?? []), service]);
    for (const subject of hears) heard.set(subject, [...(heard.get(subject) ?? []), service]);
    const account = STREAMS_ACCOUNT;
    accounts[service] = {
      users: own.map(({ name, password, permissions }) => ({ user: name, password, permissions })),
      imports: [
        ...publishes.map((subject) => ({ service: { account, subject } })),
        ...hears.map((subject) => ({ stream: { account, subject } })),
      ],
    };
  }
  accounts[STREAMS_ACCOUNT] = {
    jetstream: 'enabled',
    users: [{ user: administrator.name, password: administrator.password }],
    exports: [
      ...[...asked].map(([service, accounts]) => ({
        service,
        accounts,
        ...(MANY_ANSWERS.test(service)
          ? { response_type: 'stream' as const, response_threshold: LONGEST_SILENCE }
          : {}),
      })),
      ...[...heard].map(([stream, accounts]) => ({ stream, accounts })),
    ],
  };
  return accounts;
}

/** Each once, and none that a wildcard among them takes in: the server would hand over such a message twice. */
function withoutCovered(subjects: readonly string[]): string[] {
  const each = [...new Set(subjects)];
  return each.filter((subject) => !each.some((other) => other !== subject && covers(other, subject)));
}

function covers(wider: string, subject: string): boolean {
  const [pattern, tokens] = [wider.split('.'), subject.split('.')];
  const end = pattern.indexOf('>');
  if (end < 0 ? pattern.length !== tokens.length : tokens.length <= end) return false;
  return pattern
    .slice(0, end < 0 ? undefined : end)
    .every((token, at) => (token === '*' ? tokens[at] !== '>' : token === tokens[at]));
}
