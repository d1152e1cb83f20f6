import type { IncomingMessage, ServerResponse } from 'node:http';

/** Who is signed in at our own pages in a browser: without that session the provider's own counts for nothing. */
export interface BrowserAccounts {
  accountOf(request: IncomingMessage): Promise<string | undefined>;
  /** Ends that session, if it is of this account. @throws OxoError UNAVAILABLE when it is not known yet that all services have heard of it */
  endOf(pair: { request: IncomingMessage; response: ServerResponse }, accountId: string): Promise<void>;
}
