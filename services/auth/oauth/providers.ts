import type Provider from 'oidc-provider';
import type { SigningKeys } from '../keys/signing-keys.ts';
import type { ProviderParts } from './provider.ts';

/**
 * The provider for the keys as they are: a change of the keys makes another one, which answers from the next request on; requests
 * under way end with the one that they began with. All that lasts is in the database, so nothing else changes with it.
 *
 * The library is loaded with the first request: it takes memory that an installation without clients need not have.
 */
export function createProviders(parts: ProviderParts): () => Promise<Provider> {
  let made: { version: string; provider: Promise<Provider> } | undefined;

  return () => {
    const version = versionOf(parts.keys);
    if (made?.version !== version) {
      const provider = import('./provider.ts').then(({ createProvider }) => createProvider(parts));
      const one = { version, provider };
      made = one;
      provider.catch(() => {
        if (made === one) made = undefined;
      });
    }
    return made.provider;
  };
}

function versionOf(keys: Pick<SigningKeys, 'current' | 'published'>): string {
  return [keys.current().kid, ...keys.published().keys.map(({ kid }) => kid)].join(' ');
}
