import Provider, { type Adapter, errors } from 'oidc-provider';
import type { Attempts } from '../../attempts/attempts.ts';
import { hashOf } from '../../tokens/hash.ts';
import type { Clients } from '../clients/clients.ts';
import { guarded } from './adapter-guard.ts';
import type { Artifacts, StoredArtifact } from './artifacts.ts';
import type { EndingOfGrant, Grants, ReusedAction } from './grants.ts';
import { rotation } from './refresh-adapter.ts';
import type { RefreshTokens } from './refresh-tokens.ts';
import { callIds, networkNow, routeNow } from './request-state.ts';
import { interactions, issued, sessions } from './session-adapter.ts';
import type { SessionRows } from './session-rows.ts';
import { artifactOf, keyOf, lifetimeMs, referenceTo, revealed } from './stored-form.ts';

/** What is under a grant, and ends with it. */
const OF_GRANTS = new Set(['AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode']);

export interface AdapterStores {
  artifacts: Artifacts;
  clients: Clients;
  grants: Grants;
  attempts: Pick<Attempts, 'device' | 'ownToken'>;
  refreshTokens: RefreshTokens;
  sessionRows: SessionRows;
}

/** Where the provider keeps what it keeps: each model of it in its table. */
export function createAdapterFactory(stores: AdapterStores): (model: string) => Adapter {
  return (model) => {
    if (model === 'Client') return guarded(clientAdapter(stores.clients));
    if (model === 'Grant') return guarded(grantAdapter(stores));
    const plain = artifactAdapter(model, stores);
    return guarded({ ...plain, ...ownWaysOf(model, stores, plain) });
  };
}

/** What is done otherwise for a model than for most. */
function ownWaysOf(model: string, stores: AdapterStores, plain: Adapter): Partial<Adapter> {
  switch (model) {
    case 'RefreshToken':
      return rotation(stores);
    case 'Session':
      return sessions(stores, plain);
    case 'Interaction':
      return interactions(stores, plain);
    case 'AuthorizationCode':
    case 'DeviceCode':
      return issued(model, stores, plain);
    default:
      return {};
  }
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
    async destroy(id) {
      const asked = endingNow();
      if (asked === undefined) return grants.endReused(id, reusedNow(), callIds());
      await grants.end({ id, accountId: asked.accountId }, asked.why, callIds());
    },
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
    async find(id) {
      const found = reveal(await artifacts.find(model, keyOf(id, model)), id);
      if (routeNow() !== 'revocation' || !OF_GRANTS.has(model)) return found;
      const { clientId } = Provider.ctx?.oidc.client ?? {};
      // It is looked for as every kind of token. What its client has given back before is none; but whoever asks again is told the truth.
      if (found === undefined && model === 'AccessToken' && clientId !== undefined)
        await grants.endAgain({ idHash: hashOf(id), clientId }, callIds());
      // Whether its browser is still signed in does not matter to whoever gives it back.
      return found && { ...found, expiresWithSession: undefined };
    },
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

/** Who has asked for the end of the grant that the provider ends, if somebody has, and whose it is. */
function endingNow(): { accountId: string; why: EndingOfGrant } | undefined {
  const { oidc } = Provider.ctx ?? {};
  if (oidc?.route === 'end_session_confirm' && oidc.session?.accountId !== undefined) {
    return { accountId: oidc.session.accountId, why: { by: 'sign-out' } };
  }
  const token = oidc?.entities.AccessToken ?? oidc?.entities.RefreshToken;
  if (oidc?.route !== 'revocation' || token?.clientId === undefined) return undefined;
  return { accountId: token.accountId, why: { by: 'client', clientId: token.clientId, token: hashOf(token.jti) } };
}

/** Which replay the provider has seen itself, and ends a grant for. */
function reusedNow(): ReusedAction {
  return Provider.ctx?.oidc.params?.grant_type === 'refresh_token' ? 'REUSE_REFRESH_TOKEN' : 'REUSE_CODE';
}
