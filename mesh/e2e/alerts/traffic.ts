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
  let stopped = false;
  const again = async (requestOf: (turn: number) => ApiRequest): Promise<void> => {
    for (let turn = 0; !stopped; turn += 1) {
      await api.call(requestOf(turn)).catch(() => undefined);
      await delay(pauseMs);
    }
  };
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
  const running = kinds.map(again);
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(running);
    },
  };
}

/** Guesses passwords as fast as it is answered, until it is stopped. */
export function beginGuessing(api: Api): Traffic {
  let stopped = false;
  const guess = async (lane: number): Promise<void> => {
    for (let turn = 0; !stopped; turn += 1) {
      const body = { identifier: `nobody_${lane}_${turn}`, password: 'a guessed password 7' };
      await api.call({ method: 'POST', path: '/auth/login', body }).catch(() => undefined);
      await delay(pauseMs / 2);
    }
  };
  const running = [0, 1].map(guess);
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(running);
    },
  };
}

/** Somebody new, who is sent a mail. */
export async function causeMails(api: Api, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => signUp(api)));
}
