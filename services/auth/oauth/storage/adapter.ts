import Provider, { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { SECOND_MS, systemClock } from '#kit/clock.ts';
import { hasReason, OxoError } from '#kit/errors.ts';
import type { Attempts } from '../../attempts/attempts.ts';
import type { AuditedCall } from '../../audit/audit-log.ts';
import { requestIdOf } from '../../http/request-id.ts';
import { type Device, deviceOfHeaders, networkOf } from '../../sessions/device.ts';
import type { Clients } from '../clients/clients.ts';
import { type Artifacts, hashOf, type StoredArtifact } from './artifacts.ts';
import type { Grants } from './grants.ts';

/** The provider keeps its grants for ever unless told; ours always end. */
const MAX_LIFETIME_SECONDS = 366 * 24 * 60 * 60;
/** A browser's session remembers so many clients, the latest; those before are asked again. */
const MAX_CLIENTS_PER_SESSION = 100;
/** What strangers may say at length is kept for a while; a browser's session holds what its person has granted besides. */
const MAX_PAYLOAD_CHARACTERS = 8 * 1024;
const FOREIGN_KEY_VIOLATION = '23503';
/** SQLSTATEs of what Postgres cannot hold, such as U+0000 in a text, or a row that would be too large. */
const NOT_STORABLE = /^(22...|23514|54...)$/;
/** Where what the provider looks for comes from our own rows, and so may be a reference. */
const DEVICE_PAGES = new Set(['code_verification', 'device_resume']);
const REFERENCE = /^ref:([\w-]{43})$/;

export interface AdapterStores {
  artifacts: Artifacts;
  clients: Clients;
  grants: Grants;
  attempts: Pick<Attempts, 'device' | 'ownToken'>;
}

/** Where the provider keeps what it keeps: each model of it in its table. */
export function createAdapterFactory(stores: AdapterStores): (model: string) => Adapter {
  return (model) => {
    if (model === 'Client') return guarded(clientAdapter(stores.clients));
    if (model === 'Grant') return guarded(grantAdapter(stores));
    return guarded(artifactAdapter(model, stores));
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
    destroy: (id) => (isAskedFor() ? grants.revokeEverywhere(id, callIds()) : grants.revokeInPassing(id, callIds())),
  };
}

function artifactAdapter(model: string, { artifacts, clients, grants, attempts }: AdapterStores): Adapter {
  const reveal = (found: StoredArtifact | undefined, id: string, userCode?: string) =>
    found === undefined ? undefined : revealed(model, found, id, userCode);

  return {
    async upsert(id, payload, seconds) {
      const { clientId, grantId, uid, userCode } = payload;
      const kept = concealed(model, payload);
      if (isTooLong(model, payload, kept)) throw new errors.InvalidRequest('the parameters are too long to be kept');
      if (isNewDevice(model)) await attempts.device(clientId ?? '', networkNow());
      if (model === 'ClientCredentials') await attempts.ownToken(clientId ?? '');
      await artifacts.upsert(model, {
        idHash: keyOf(id, model),
        clientId: clientId ?? null,
        accountId: accountOf(payload) ?? null,
        // An interaction only looks at the grant of before: it goes on when that one ends.
        grantId: model === 'Interaction' ? null : (grantId ?? null),
        uid: uid ?? null,
        userCode: userCode ?? null,
        payload: kept,
        lifetimeMs: lifetimeMs(seconds),
      });
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
      if (outcome.reusedOfGrant !== undefined) await grants.revokeInPassing(outcome.reusedOfGrant, callIds());
      throw new errors.InvalidGrant('already used');
    },
    destroy: (id) => artifacts.destroy(model, keyOf(id, model)),
    // The grant is destroyed besides, each time, and takes everything under it along in one statement.
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

/** What is stored: without the token itself, and without the cookies of the browser that it belongs to. */
function concealed(model: string, { jti, userCode, ...payload }: AdapterPayload): object {
  if (model === 'Interaction') {
    const { cookie, ...session } = payload.session ?? {};
    return {
      ...payload,
      ...(payload.session === undefined ? {} : { session }),
      returnTo: payload.returnTo?.slice(0, -(jti?.length ?? 0)),
    };
  }
  if (payload.authorizations === undefined) return payload;
  const kept = Object.entries(payload.authorizations).slice(-MAX_CLIENTS_PER_SESSION);
  return { ...payload, authorizations: Object.fromEntries(kept) };
}

function revealed(model: string, found: StoredArtifact, id: string, userCode: string | undefined): AdapterPayload {
  const { payload, consumedAtMs } = found;
  return {
    ...payload,
    jti: id,
    ...(userCode === undefined ? {} : { userCode }),
    ...(model === 'Interaction' ? { returnTo: `${payload.returnTo}${id}` } : {}),
    ...(consumedAtMs === undefined ? {} : { consumed: Math.floor(consumedAtMs / SECOND_MS) }),
  };
}

function isTooLong(model: string, { accountId }: AdapterPayload, kept: object): boolean {
  return (model !== 'Session' || accountId === undefined) && JSON.stringify(kept).length > MAX_PAYLOAD_CHARACTERS;
}

/** Not one that a person looks at, or that was asked for again. */
function isNewDevice(model: string): boolean {
  return model === 'DeviceCode' && routeNow() === 'device_authorization';
}

/** Also who has just signed in, before the browser's session knows it: what ends all of a person's sessions ends this too. */
function accountOf({ accountId, result }: AdapterPayload): string | undefined {
  return result?.login?.accountId ?? accountId;
}

/** In place of an id that the row does not tell; good only where nobody but ourselves can bring it. */
function referenceTo(idHash: Buffer): string {
  return `ref:${idHash.toString('base64url')}`;
}

function keyOf(id: string, model: string): Buffer {
  const hash = model === 'DeviceCode' && DEVICE_PAGES.has(routeNow()) ? REFERENCE.exec(id)?.[1] : undefined;
  return hash === undefined ? hashOf(id) : Buffer.from(hash, 'base64url');
}

function lifetimeMs(seconds: number | undefined): number {
  return Math.min(seconds ?? MAX_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS) * SECOND_MS;
}

function routeNow(): string {
  return Provider.ctx?.oidc.route ?? '';
}

function isAskedFor(): boolean {
  return ['revocation', 'end_session_confirm'].includes(routeNow());
}

function deviceNow(): Device {
  const headers = Provider.ctx?.req.headers ?? {};
  return deviceOfHeaders((name) => (typeof headers[name] === 'string' ? headers[name] : undefined));
}

function networkNow(): string {
  return networkOf(deviceNow().ip);
}

function callIds(): AuditedCall {
  return { requestId: requestIdOf(Provider.ctx?.req.headers ?? {}, systemClock), device: deviceNow() };
}

/** What the provider shall answer when a store fails: to try again, or that what the artifact belongs to has ended meanwhile. */
function guarded(adapter: Adapter): Adapter {
  const guard =
    <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> =>
      work(...args).catch((error: unknown) => {
        throw answerTo(error);
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

function answerTo(error: unknown): unknown {
  if (hasReason(error, 'UNAVAILABLE')) {
    const away = new errors.TemporarilyUnavailable('try again in a moment');
    away.status = 503;
    away.statusCode = 503;
    return Object.assign(away, { cause: error });
  }
  if (error instanceof OxoError && error.reason === 'RATE_LIMITED') {
    Provider.ctx?.set('retry-after', String(Math.ceil((error.retryAfterMs ?? SECOND_MS) / SECOND_MS)));
    const slow = new errors.SlowDown('too much is asked; slow down');
    slow.status = 429;
    slow.statusCode = 429;
    return Object.assign(slow, { cause: error });
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === FOREIGN_KEY_VIOLATION) return new errors.InvalidGrant('the grant has ended');
  if (NOT_STORABLE.test(code)) return new errors.InvalidRequest('a parameter is not valid text, or too long');
  return error;
}
