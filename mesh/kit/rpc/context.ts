import type { CallContext as BareCallContext } from 'nice-grpc-common';
import type { Caller } from '#kit/identity/caller.ts';

/** What the kit adds to the context of every call. */
export interface CallContextExtension {
  /** Who calls; verified. */
  caller: Caller;
  /** Path of the RPC: "/oxo.post.v1.PostService/CreatePost". */
  rpc: string;
  requestId: string;
  /** When the caller stops waiting, in milliseconds since the epoch. */
  deadlineMs: number;
}

/** The context of a call as a handler gets it. */
export type CallContext = BareCallContext & CallContextExtension;

/** What of a context goes on in calls to other services. Whoever is not answering a call has a request id alone. */
export type RequestContext = Pick<CallContext, 'requestId'> & Partial<Pick<CallContext, 'deadlineMs' | 'signal'>>;
