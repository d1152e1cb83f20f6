/** So many calls in a second, a minute, … */
export interface Rate {
  calls: number;
  per: 'second' | 'minute' | 'hour' | 'day';
}

/** What whoever has a token may ask. */
export interface CallerLimits {
  /** Of one person, by whatever session, app or key. */
  user: Rate;
  /** Of one app of a third party, for all people together. */
  client: Rate;
  /** Of one API key, or of one person's consent to an app. */
  grant: Rate;
}

/**
 * What one may ask of the front door. Requests as such and reads are counted by each Envoy for itself, in its own memory; writes by the rate
 * limit service, for all Envoys together, and weigh more than one where they do more (rpcs.ts).
 */
export interface EdgeLimits {
  /** All requests of all; each counts 1. */
  everyone: Rate;
  /** All requests from one IPv4 address, or one /64 of IPv6; each counts 1, whatever token it has. */
  network: Rate;
  reads: CallerLimits;
  writes: CallerLimits & {
    /** Of all. */
    everyone: Rate;
    /** From one network. */
    network: Rate;
    /**
     * So much, each 1, a person writes at each Envoy before the service is asked: whoever writes like a person costs it nothing. Whoever has
     * no token is counted at once.
     */
    uncounted: Rate;
  };
}

/**
 * A person who reads without a pause makes some 60 calls a minute, and whoever writes much some 20, of which most weigh 3. Behind one
 * address may be a school. Where an Envoy counts it is at least 60 a minute, so that the next call passes within a second.
 */
export const productionLimits: EdgeLimits = {
  everyone: { calls: 5_000, per: 'second' },
  network: { calls: 3_000, per: 'minute' },
  reads: {
    user: { calls: 600, per: 'minute' },
    client: { calls: 60_000, per: 'minute' },
    grant: { calls: 300, per: 'minute' },
  },
  writes: {
    everyone: { calls: 10_000, per: 'second' },
    network: { calls: 1_200, per: 'minute' },
    uncounted: { calls: 20, per: 'minute' },
    user: { calls: 120, per: 'minute' },
    client: { calls: 12_000, per: 'minute' },
    grant: { calls: 90, per: 'minute' },
  },
};
