import Provider, { type Adapter, errors } from 'oidc-provider';
import type { Attempts } from '../../attempts/attempts.ts';
import type { Clients } from '../clients/clients.ts';
import { guarded } from './adapter-guard.ts';
import type { Artifacts, StoredArtifact } from './artifacts.ts';
import type { Grants, ReusedAction } from './grants.ts';
import { rotation } from './refresh-adapter.ts';
import type { RefreshTokens } from './refresh-tokens.ts';
import { callIds, networkNow, routeNow } from './request-state.ts';
import { artifactOf, keyOf, lifetimeMs, referenceTo, revealed } from './stored-form.ts';

/** What is under a grant, and ends with it. */
const OF_GRANTS = new Set(['AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode']);

export interface AdapterStores {
  artifacts: Artifacts;
  clients: Clients;
  grants: Grants;
  attempts: Pick<Attempts, 'device' | 'ownToken'>;
  refreshTokens: RefreshTokens;
}

/** Where the provider keeps what it keeps: each model of it in its table. */
export function createAdapterFactory(stores: AdapterStores): (model: string) => Adapter {
  return (model) => {
    if (model === 'Client') return guarded(clientAdapter(stores.clients));
    if (model === 'Grant') return guarded(grantAdapter(stores));
    const adapter = artifactAdapter(model, stores);
    return guarded(model === 'RefreshToken' ? { ...adapter, ...rotation(stores) } : adapter);
  };
}

function clientAdapter(clients: Clients): Adapter {
  return {
    ...nothing,
    upsert: (id, payload) => clients.upsert(id, { ...payload }, callIds()),
    find: (id) => clients.find(id),
    destroy: (id) => clients.destroy(id),
  };
}

function grantAdapter({ clients, grants }: AdapterStores): Adapter {
  return {
    ...nothing,
    async upsert(id, { clientId = '', accountId = '', ...rest }, seconds) {
      const payload = { clientId, accountId, ...rest };
      if (!(await grants.upsert({ id, clientId, accountId, payload, lifetimeMs: lifetimeMs(seconds) }, callIds()))) {
        throw new errors.InvalidGrant('the consent has ended');
      }
      await clients.markUsed(clientId);
    },
    find: (id) => grants.find(id),
    // Who asks for the end of tokens is told when they are refused everywhere; who is refused himself need not wait for it.
    destroy: (id) =>
      isAskedFor() ? grants.revokeEverywhere(id, callIds()) : grants.endReused(id, reusedNow(), callIds()),
  };
}

function artifactAdapter(model: string, { artifacts, clients, grants, attempts }: AdapterStores): Adapter {
  const reveal = (found: StoredArtifact | undefined, id: string, userCode?: string) =>
    found === undefined ? undefined : revealed(model, found, id, userCode);

  return {
    async upsert(id, payload, seconds) {
      const { clientId } = payload;
      const artifact = artifactOf(model, id, payload, seconds);
      if (isNewDevice(model)) await attempts.device(clientId ?? '', networkNow());
      if (model === 'ClientCredentials') await attempts.ownToken(clientId ?? '');
      await artifacts.upsert(model, artifact);
      if (model === 'ClientCredentials' && clientId !== undefined) await clients.markUsed(clientId);
    },
    find: async (id) => reveal(await artifacts.find(model, keyOf(id, model)), id),
    async findByUid(uid) {
      const found = await artifacts.findByUid(model, uid);
      return reveal(found, found === undefined ? '' : referenceTo(found.idHash));
    },
    async findByUserCode(userCode) {
      const found = await artifacts.findByUserCode(model, userCode);
      return reveal(found, found === undefined ? '' : referenceTo(found.idHash), userCode);
    },
    async consume(id) {
      const outcome = await artifacts.consume(model, keyOf(id, model));
      if (outcome === 'CONSUMED') return;
      // Somebody else was faster by less than the provider sees: it is the same as a replay.
      if (outcome.reusedOfGrant !== undefined) await grants.endReused(outcome.reusedOfGrant, 'REUSE_CODE', callIds());
      throw new errors.InvalidGrant('already used');
    },
    // A token goes with its grant, which is destroyed besides, each time: if that fails, whoever brings it again is not told another thing.
    destroy: async (id) => {
      if (!OF_GRANTS.has(model)) await artifacts.destroy(model, keyOf(id, model));
    },
    revokeByGrantId: async () => undefined,
  };
}

const nothing: Adapter = {
  upsert: async () => undefined,
  find: async () => undefined,
  findByUid: async () => undefined,
  findByUserCode: async () => undefined,
  consume: async () => undefined,
  destroy: async () => undefined,
  revokeByGrantId: async () => undefined,
};

/** Not one that a person looks at, or that was asked for again. */
function isNewDevice(model: string): boolean {
  return model === 'DeviceCode' && routeNow() === 'device_authorization';
}

function isAskedFor(): boolean {
  return ['revocation', 'end_session_confirm'].includes(routeNow());
}

/** Which replay the provider has seen itself, and ends a grant for. */
function reusedNow(): ReusedAction {
  return Provider.ctx?.oidc.params?.grant_type === 'refresh_token' ? 'REUSE_REFRESH_TOKEN' : 'REUSE_CODE';
}
