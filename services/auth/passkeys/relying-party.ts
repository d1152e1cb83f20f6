import { isIP } from 'node:net';
import { passkeysOff } from './refusals.ts';

/** What passkeys are bound to: they are shown to no other site. */
export interface RelyingParty {
  /** A domain. */
  id: string;
  /** Where pages that ask for them stand: "https://oxo.example". */
  origin: string;
}

/**
 * Which passkeys an installation has.
 * @param issuer its public URL
 * @returns undefined where browsers have none: at an IP address, which WebAuthn takes for no domain, and by http anywhere but on the machine itself
 */
export function relyingPartyOf(issuer: string): RelyingParty | undefined {
  const { protocol, hostname, origin } = new URL(issuer);
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return undefined;
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost');
  return protocol === 'https:' || isLocal ? { id: hostname, origin } : undefined;
}

/** @throws OxoError PASSKEYS_OFF where an installation has none */
export function requireParty(party: RelyingParty | undefined): RelyingParty {
  if (party === undefined) throw passkeysOff();
  return party;
}
