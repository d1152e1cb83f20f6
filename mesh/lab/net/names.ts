import { createHash } from 'node:crypto';

/** Of every lab, so that a person who looks at `ip netns` knows whose they are. */
const family = 'oxo-lab';
const digits = 6;

/** How the network namespaces of one lab are called: two labs of one machine never meet. */
export type NetNames = {
  readonly prefix: string;
  /** Where Kubernetes, istiod and the servers run. */
  readonly node: string;
  /** Of the pod with this address. */
  readonly pod: (ip: string) => string;
  readonly isOurs: (namespace: string) => boolean;
};

/** @param labDir of the lab, by its real path */
export function netNames(labDir: string): NetNames {
  const prefix = `${family}-${createHash('sha256').update(labDir).digest('hex').slice(0, digits)}`;
  return {
    prefix,
    node: `${prefix}-node`,
    pod: (ip) => `${prefix}-pod-${ip.split('.').slice(2).join('-')}`,
    isOurs: (namespace) => namespace.startsWith(`${prefix}-`),
  };
}

/**
 * Addresses inside a lab. Its network has no way out, so every lab may have the same.
 * The API server and istiod listen on the node's.
 */
export const addresses = {
  node: '10.88.0.1',
  /** Of the network of node and pods. */
  prefixLength: 16,
  /** Virtual addresses of Services, and those among them with a place of their own. */
  services: '10.96.0.0/16',
  apiserver: '10.96.0.1',
  dns: '10.96.0.10',
} as const;

const lastOctet = 250;
const octets = 256;

/**
 * Addresses for pods, 10.88.1.1 upwards: one that was given back is taken again only when all others have been, as connections to its
 * former owner may still be tried.
 */
export function createAddressPool(first = 1): { take: () => string; give: (ip: string) => void } {
  const used = new Set<string>();
  const size = (octets - 1) * lastOctet;
  let next = first - 1;
  return {
    take: () => {
      for (let tried = 0; tried < size; tried += 1) {
        const ip = `10.88.${1 + Math.floor(next / lastOctet)}.${1 + (next % lastOctet)}`;
        next = (next + 1) % size;
        if (used.has(ip)) continue;
        used.add(ip);
        return ip;
      }
      throw new Error(`all ${size} addresses of pods are in use`);
    },
    give: (ip) => void used.delete(ip),
  };
}
