import { sharedRuns } from '#kit/shared-runs.ts';
import { CliError } from '../cli/cli-error.ts';
import type { Api, Session } from './api.ts';

/** Someone who is signed in. */
export type Person = {
  readonly handle: string;
  readonly userId: string;
  /** An access token that is valid for a while yet: it is renewed in time. */
  readonly token: () => Promise<string>;
};

const renewBeforeMs = 120_000;

/** Signs someone up. */
export async function signUp(api: Api, handle: string, displayName: string, password: string): Promise<Person> {
  return personOf(api, handle, await api.signUp(handle, displayName, password));
}

/** @param first a session of theirs; one that has expired is renewed when its token is asked for */
export function personOf(api: Pick<Api, 'refresh'>, handle: string, first: Session): Person {
  let session = first;
  // Two renewals at once would look like a stolen token.
  const renewal = sharedRuns(() => api.refresh(session));
  const renew = async (): Promise<Session> => {
    session = await renewal();
    return session;
  };
  return {
    handle,
    userId: session.userId,
    token: async () => {
      const fresh = session.expiresAtMs - performance.now() > renewBeforeMs;
      return (fresh ? session : await renew()).accessToken;
    },
  };
}

/** Unlike that of any other run: handles and idempotency keys begin with it. */
export function newRunId(nowMs: number): string {
  return nowMs.toString(36).slice(-7);
}

/** @throws CliError when there is nobody with this number */
export function personAt(people: readonly Person[], number: number): Person {
  const person = people[number];
  if (person === undefined) throw new CliError(`there is no person ${number}`);
  return person;
}
