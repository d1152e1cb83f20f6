import { setTimeout as delay } from 'node:timers/promises';
import type { Api, ApiRequest } from '../testing/client.ts';
import { gather } from '../testing/crowd.ts';
import { follow, type Person, signUp } from '../testing/people.ts';

/** Between the requests of one kind. */
const pauseMs = 400;

/** People who write, read and come in, a few times a second, whatever becomes of it, until they are stopped. */
export type Traffic = { readonly stop: () => Promise<void> };

export async function beginTraffic(api: Api): Promise<Traffic> {
  const { authors, followers } = await gather(api, 2, 2);
  const [author, follower] = [authors[0] as Person, followers[0] as Person];
  await follow(api, author, follower);
  const logIn = (password: string): ApiRequest => {
    return { method: 'POST', path: '/auth/login', body: { identifier: author.handle, password } };
  };
  const kinds: ((turn: number) => ApiRequest)[] = [
    (turn) => ({ method: 'POST', path: '/posts', token: author.accessToken, body: { text: `day ${turn}` } }),
    (turn) => ({ method: 'POST', path: '/posts', token: follower.accessToken, body: { text: `night ${turn}` } }),
    () => ({ path: '/feed', token: follower.accessToken }),
    () => ({ path: '/auth/sessions', token: follower.accessToken }),
    (turn) => ({ path: turn % 2 === 0 ? '/feed' : `/users/${follower.id}`, token: author.accessToken }),
    // A wrong password now and then, as people have it: a tenth, which is no attack.
    (turn) => logIn(turn % 10 === 1 ? 'a wrong password 7' : author.password),
  ];
  return beginCalling(
    kinds.map((requestOf) => (turn) => api.call(requestOf(turn))),
    pauseMs,
  );
}

/** Makes calls in rows, one after the other in each, whatever becomes of them. @param betweenMs of a row's calls */
export function beginCalling(rows: readonly ((turn: number) => Promise<unknown>)[], betweenMs = 0): Traffic {
  let stopped = false;
  const again = async (call: (turn: number) => Promise<unknown>): Promise<void> => {
    for (let turn = 0; !stopped; turn += 1) {
      await call(turn).catch(() => undefined);
      await delay(betweenMs);
    }
  };
  const running = rows.map(again);
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(running);
    },
  };
}

/** Guesses passwords as fast as it is answered, until it is stopped. */
export function beginGuessing(api: Api): Traffic {
  const lane = (lane: number) => (turn: number) => {
    const body = { identifier: `nobody_${lane}_${turn}`, password: 'a guessed password 7' };
    return api.call({ method: 'POST', path: '/auth/login', body });
  };
  return beginCalling([0, 1].map(lane), pauseMs / 2);
}

/** Somebody new, who is sent a mail. */
export async function causeMails(api: Api, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => signUp(api)));
}
