import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import type { BackgroundWork } from '#kit/process/background.ts';
import type { ServiceConsumer } from '#kit/process/start.ts';
import type { Profiles } from '../accounts/profiles.ts';
import { MAIL, MAIL_BACKOFF_MS } from '../events/durables.ts';
import { onMailQueued } from '../events/on-mail-queued.ts';
import { createMail, type Mail } from './mail.ts';
import { createMailTokens, type MailTokens } from './mail-tokens.ts';
import { createSending } from './sending.ts';
import { SMTP_CONNECTIONS, type Smtp } from './smtp.ts';

/** All that has to do with mails. */
export interface Mailing {
  mail: Mail;
  mailTokens: MailTokens;
  consumers: readonly ServiceConsumer[];
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
  const consumer = {
    durable: MAIL,
    handlers: [onMailQueued({ sending })],
    concurrency: SMTP_CONNECTIONS,
    backoffMs: MAIL_BACKOFF_MS,
  };
  return {
    mail: createMail(parts),
    mailTokens,
    // Without a server their events stay in the stream, untried.
    consumers: parts.smtp === undefined ? [] : [consumer],
    background: [{ name: 'clean-up of mails', intervalMs: 5 * MINUTE_MS, work: sending.cleanUp }],
  };
}
