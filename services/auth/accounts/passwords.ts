import { randomBytes } from 'node:crypto';
import { type Algorithm, hash, type Options, verify } from '@node-rs/argon2';
import { type Asker, createLimiter } from '../attempts/limiter.ts';

/** OWASP's first choice for Argon2id: 19 MiB, two passes. */
const PARAMETERS: Options = {
  algorithm: 2 satisfies Algorithm.Argon2id,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
};
/** At once: memory and processors are bounded, and half of the thread pool stays free for signatures. */
const CONCURRENCY = 2;
/** About two seconds of work on two processors. */
const MAX_WAITING = 64;

/** Hashes passwords with Argon2id, a bounded number at once. @throws OxoError UNAVAILABLE when too many wait */
export interface Passwords {
  hash(password: string, by?: Asker): Promise<string>;
  verify(hash: string, password: string, by?: Asker): Promise<boolean>;
  /** A hash that no password matches. It is verified when there is no account, so that both take the same time. */
  readonly decoy: string;
}

/** Resolves when `decoy` is made, which takes as long as any hash. */
export async function createPasswords(): Promise<Passwords> {
  const limit = createLimiter({ concurrency: CONCURRENCY, maxWaiting: MAX_WAITING });
  return {
    hash: (password, by) => limit(() => hash(normalise(password), PARAMETERS), by),
    verify: (encoded, password, by) => limit(() => verify(encoded, normalise(password)), by),
    decoy: await hash(randomBytes(32), PARAMETERS),
  };
}

/** The same characters as different keyboards encode them are the same password. */
function normalise(password: string): string {
  return password.normalize('NFKC');
}
