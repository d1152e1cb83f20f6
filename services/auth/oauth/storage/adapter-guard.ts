import type { Adapter } from 'oidc-provider';
import { providerErrorOf } from '../provider-errors.ts';

/** What the provider shall answer when a store fails: to try again, or that what the artifact belongs to has ended meanwhile. */
export function guarded(adapter: Adapter): Adapter {
  const guard =
    <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> =>
      work(...args).catch((error: unknown) => {
        throw providerErrorOf(error);
      });
  return {
    upsert: guard(adapter.upsert),
    find: guard(adapter.find),
    findByUid: guard(adapter.findByUid),
    findByUserCode: guard(adapter.findByUserCode),
    consume: guard(adapter.consume),
    destroy: guard(adapter.destroy),
    revokeByGrantId: guard(adapter.revokeByGrantId),
  };
}
