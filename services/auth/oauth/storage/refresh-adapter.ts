import { type Adapter, errors } from 'oidc-provider';
import { hashOf } from '../../tokens/hash.ts';
import type { AdapterStores } from './adapter.ts';
import { callIds, requestState } from './request-state.ts';
import { artifactOf } from './stored-form.ts';

type RefreshStores = Pick<AdapterStores, 'artifacts' | 'grants' | 'refreshTokens'>;

/** What a refresh token does otherwise: consuming it and storing its successor is one thing, and done with the latter. */
export function rotation({ artifacts, grants, refreshTokens }: RefreshStores): Pick<Adapter, 'upsert' | 'consume'> {
  const model = 'RefreshToken';

  async function refuse(grantId: string | null | undefined): Promise<never> {
    if (grantId != null) await grants.endReused(grantId, 'REUSE_REFRESH_TOKEN', callIds());
    throw new errors.InvalidGrant('already used');
  }

  return {
    async consume(token) {
      const predecessor = hashOf(token);
      const nextToken = await refreshTokens.nextOf(token, predecessor);
      if (nextToken === undefined) return refuse(await artifacts.grantOf(model, predecessor));
      requestState().rotation = { predecessor, nextToken };
    },
    async upsert(id, payload, seconds) {
      const artifact = artifactOf(model, id, payload, seconds);
      const { rotation: rotating } = requestState();
      if (rotating?.nextToken !== id) return artifacts.upsert(model, artifact);
      const outcome = await refreshTokens.rotate(rotating.predecessor, artifact);
      if (outcome === 'REUSED') await refuse(artifact.grantId);
      if (outcome === 'ENDED') throw new errors.InvalidGrant('the grant has ended');
    },
  };
}
