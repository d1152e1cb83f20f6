import { NOBODY } from '../audit/audit-log.ts';
import type { CountedAudit } from '../audit/counted.ts';
import type { PasswordSource } from './credentials.ts';

/** Tells the audit log that somebody was not let in. */
export type TellRefused = (accountId: string | undefined, source: PasswordSource, why?: string) => void;

/** Nobody waits for what is told, so that the answer takes as long whether there is an account or not. */
export function tellingRefused(counted: Pick<CountedAudit, 'add'>): TellRefused {
  return (accountId, { device, context, clientId }, why) => {
    const details = why === undefined ? {} : { details: { why } };
    const refused = { outcome: 'REFUSED', accountId, actor: NOBODY, ...details } as const;
    const action =
      clientId === undefined ? ({ action: 'SIGN_IN' } as const) : ({ action: 'CHECK_PASSWORD', clientId } as const);
    counted.add({ ...action, ...refused }, { requestId: context.requestId, device });
  };
}
