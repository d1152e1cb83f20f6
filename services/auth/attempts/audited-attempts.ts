import { hasReason } from '#kit/errors.ts';
import { isId } from '#kit/ids.ts';
import { NOBODY } from '../audit/audit-log.ts';
import type { CountedAudit } from '../audit/counted.ts';
import type { Attempts } from './attempts.ts';

interface Asker {
  network?: string;
  /** What it says of the account may be anything. */
  account?: string | undefined;
}

/** The same limits; whoever is refused by one stands in the audit log, counted: by that of sign-ins in `credentials.ts`, which knows of whom. */
export function auditAttempts(attempts: Attempts, counted: Pick<CountedAudit, 'add'>): Attempts {
  async function told<Taken>(limit: keyof Attempts, { network = '', account = '' }: Asker, taking: Promise<Taken>) {
    try {
      return await taking;
    } catch (error) {
      const accountId = isId(account) ? account : undefined;
      const event = {
        action: 'EXCEED_LIMIT',
        outcome: 'REFUSED',
        accountId,
        actor: NOBODY,
        details: { limit },
      } as const;
      const call = { requestId: '', device: { ip: network, userAgent: '' } };
      if (hasReason(error, 'RATE_LIMITED')) counted.add(event, call);
      throw error;
    }
  }
  return {
    ...attempts,
    confirm: (sessionId) => told('confirm', {}, attempts.confirm(sessionId)),
    otp: (account, network, device) => told('otp', { network, account }, attempts.otp(account, network, device)),
    otpInSession: (account, sessionId) => told('otpInSession', { account }, attempts.otpInSession(account, sessionId)),
    reset: (network, account) => told('reset', { network, account }, attempts.reset(network, account)),
    verify: (network, account) => told('verify', { network, account }, attempts.verify(network, account)),
    register: (network) => told('register', { network }, attempts.register(network)),
    refresh: (network) => told('refresh', { network }, attempts.refresh(network)),
    forgot: (network) => told('forgot', { network }, attempts.forgot(network)),
    client: (network) => told('client', { network }, attempts.client(network)),
    browser: (network) => told('browser', { network }, attempts.browser(network)),
    device: (clientId, network) => told('device', { network }, attempts.device(clientId, network)),
    ownToken: (clientId) => told('ownToken', {}, attempts.ownToken(clientId)),
    deviceCode: (network) => told('deviceCode', { network }, attempts.deviceCode(network)),
    token: (network) => told('token', { network }, attempts.token(network)),
    introspection: (network) => told('introspection', { network }, attempts.introspection(network)),
  };
}
