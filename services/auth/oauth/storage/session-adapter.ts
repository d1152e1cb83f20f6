import Provider, { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { hashOf } from '../../tokens/hash.ts';
import type { AdapterStores } from './adapter.ts';
import { callIds, requestState } from './request-state.ts';
import { artifactOf } from './stored-form.ts';

type SessionStores = Pick<AdapterStores, 'artifacts' | 'grants' | 'sessionRows'>;

/**
 * What a browser's session does otherwise: it is inserted by the request that makes it, and from then on only changed. The library saves
 * what a request has found when it ends, whatever has happened meanwhile.
 */
export function sessions(
  { sessionRows, grants }: SessionStores,
  plain: Adapter,
): Pick<Adapter, 'find' | 'upsert' | 'destroy'> {
  return {
    async find(id) {
      const found = await plain.find(id);
      if (found?.uid === undefined) return found || undefined;
      requestState().session = { idHash: hashOf(id), uid: found.uid, accountId: found.accountId ?? null };
      return found;
    },
    async upsert(id, payload, seconds) {
      const state = requestState();
      const artifact = artifactOf('Session', id, payload, seconds);
      const found = state.session?.uid === payload.uid ? state.session : undefined;
      const isSignIn = artifact.accountId !== (found?.accountId ?? null);
      // What a version before has noted of a sign-in has no epoch: it is that of an account whose browsers never were signed out.
      const epoch = isSignIn ? (state.signInEpoch ?? 0) : undefined;
      if (!(await sessionRows.save(artifact, found, epoch))) return;
      state.session = { idHash: artifact.idHash, uid: payload.uid ?? '', accountId: artifact.accountId };
    },
    async destroy(id) {
      const session: object = Provider.ctx?.oidc.session ?? {};
      // Then it goes on under another id, which is done when it is saved.
      if (!('oldId' in session) || session.oldId !== id) await grants.endBrowser(hashOf(id), callIds());
    },
  };
}

/** What a request of a client does otherwise while a person signs in: it is there until it is done, and done once. */
export function interactions(stores: SessionStores, plain: Adapter): Pick<Adapter, 'find' | 'upsert' | 'destroy'> {
  const { artifacts } = stores;

  return {
    async find(id) {
      const found = await plain.find(id);
      const epoch = found ? found.result?.login?.epoch : undefined;
      if (typeof epoch === 'number') requestState().signInEpoch = epoch;
      return found || undefined;
    },
    async upsert(id, payload, seconds) {
      // Who is asked what they allow has signed in.
      if (payload.result === undefined && payload.prompt?.name === 'consent')
        return issue('Interaction', stores, id, payload, seconds);
      if (payload.result === undefined) return plain.upsert(id, payload, seconds ?? 0);
      const artifact = artifactOf('Interaction', id, payload, seconds);
      if (!(await artifacts.update('Interaction', artifact))) throw new errors.SessionNotFound('it has ended');
    },
    async destroy(id) {
      if (!(await artifacts.destroy('Interaction', hashOf(id)))) throw new errors.SessionNotFound('it has been done');
    },
  };
}

/** What a browser gives a client, or a device, in the name of who is signed in: only while they are. */
export function issued(model: string, stores: SessionStores, plain: Adapter): Pick<Adapter, 'upsert'> {
  return {
    async upsert(id, payload, seconds) {
      if (payload.accountId === undefined) return plain.upsert(id, payload, seconds);
      await issue(model, stores, id, payload, seconds);
    },
  };
}

async function issue(
  model: string,
  { sessionRows }: SessionStores,
  id: string,
  payload: AdapterPayload,
  seconds: number | undefined,
): Promise<void> {
  const { session, signInEpoch: epoch } = requestState();
  const artifact = artifactOf(model, id, payload, seconds);
  const { accountId } = artifact;
  if (accountId === null || (session === undefined && epoch === undefined))
    throw new errors.LoginRequired('nobody has signed in');
  const isIssued = await sessionRows.issue({ accountId, session, epoch }, model, artifact);
  if (!isIssued) throw new errors.LoginRequired('the sign-in has ended');
}
