import { type AdapterPayload, errors } from 'oidc-provider';
import { SECOND_MS } from '#kit/clock.ts';
import { hashOf } from '../../tokens/hash.ts';
import type { Artifact, StoredArtifact } from './artifacts.ts';
import { routeNow } from './request-state.ts';

/** The provider keeps its grants for ever unless told; ours always end. */
const MAX_LIFETIME_SECONDS = 366 * 24 * 60 * 60;
/** A browser's session remembers so many clients, the latest; those before are asked again. */
const MAX_CLIENTS_PER_SESSION = 100;
/** What strangers may say at length is kept for a while; a browser's session holds what its person has granted besides. */
const MAX_PAYLOAD_CHARACTERS = 8 * 1024;
/** Where what the provider looks for comes from our own rows, and so may be a reference. */
const DEVICE_PAGES = new Set(['code_verification', 'device_resume']);
const REFERENCE = /^ref:([\w-]{43})$/;

/** What the provider stores, as its row has it. @throws errors.InvalidRequest when a stranger has said too much */
export function artifactOf(model: string, id: string, payload: AdapterPayload, seconds: number | undefined): Artifact {
  const { clientId, grantId, uid, userCode } = payload;
  const kept = concealed(model, payload);
  if (isTooLong(model, payload, kept)) throw new errors.InvalidRequest('the parameters are too long to be kept');
  return {
    idHash: keyOf(id, model),
    clientId: clientId ?? null,
    accountId: accountOf(payload) ?? null,
    // An interaction only looks at the grant of before: it goes on when that one ends.
    grantId: model === 'Interaction' ? null : (grantId ?? null),
    uid: uid ?? null,
    userCode: userCode ?? null,
    payload: kept,
    lifetimeMs: lifetimeMs(seconds),
  };
}

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

/** What is stored, as the provider knows it. @param id by which it was asked for */
export function revealed(
  model: string,
  found: StoredArtifact,
  id: string,
  userCode: string | undefined,
): AdapterPayload {
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

/**
 * Also who has just signed in, before the browser's session knows it, and who is asked what they allow: what ends all of a person's sessions
 * ends this too.
 */
function accountOf({ accountId, result, prompt, session }: AdapterPayload): string | undefined {
  const asked = prompt?.name === 'consent' ? session?.accountId : undefined;
  return result?.login?.accountId ?? accountId ?? asked;
}

/** In place of an id that the row does not tell; good only where nobody but ourselves can bring it. */
export function referenceTo(idHash: Buffer): string {
  return `ref:${idHash.toString('base64url')}`;
}

/** The key of the row. */
export function keyOf(id: string, model: string): Buffer {
  const hash = model === 'DeviceCode' && DEVICE_PAGES.has(routeNow()) ? REFERENCE.exec(id)?.[1] : undefined;
  return hash === undefined ? hashOf(id) : Buffer.from(hash, 'base64url');
}

/** @param seconds as the provider says; a year, and no longer, when it says nothing */
export function lifetimeMs(seconds: number | undefined): number {
  return Math.min(seconds ?? MAX_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS) * SECOND_MS;
}
