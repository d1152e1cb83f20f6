import type { BackgroundWork } from '#kit/background.ts';
import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import type { Profiles } from '../profiles/profiles.ts';
import { createMail, type Mail } from './mail.ts';
import { createMailTokens, type MailTokens } from './mail-tokens.ts';
import { createSending, type Sending } from './sending.ts';
import type { Smtp } from './smtp.ts';

/** All that has to do with mails. */
export interface Mailing {
  mail: Mail;
  mailTokens: MailTokens;
  sending: Sending;
  background: readonly BackgroundWork[];
}

export interface MailingOptions {
  db: Database;
  outbox: Outbox;
  profiles: Profiles;
  /** The first makes the tokens in mails, all verify them. */
  mailTokenSecrets: readonly Uint8Array[];
  /** Undefined: mails wait. */
  smtp: Smtp | undefined;
  /** Our address, as people reach it. */
  publicUrl: string;
  metrics: Metrics;
  clock: Clock;
}

export function createMailing({ mailTokenSecrets, ...parts }: MailingOptions): Mailing {
  const mailTokens = createMailTokens(mailTokenSecrets);
  const sending = createSending({ ...parts, tokens: mailTokens });
  return {
    mail: createMail(parts),
    mailTokens,
    sending,
    background: [{ name: 'clean-up of mails', intervalMs: 5 * MINUTE_MS, work: sending.cleanUp }],
  };
}
