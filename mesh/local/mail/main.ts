/** Catches the mails of a stack and shows them. Settings: MAIL_FOLDER, MAIL_SMTP_PORT, MAIL_PAGE_PORT. */
import { systemClock } from '#kit/clock.ts';
import { createLogger } from '#kit/observability/logger.ts';
import { endOnCrash } from '../supervisor/log.ts';
import { openMailbox } from './mailbox.ts';
import { catchMails } from './smtp.ts';
import { showMails } from './web.ts';

const { MAIL_FOLDER = '', MAIL_SMTP_PORT, MAIL_PAGE_PORT } = process.env;
const logger = createLogger({ service: 'mail' });
endOnCrash(logger);
const mailbox = await openMailbox(MAIL_FOLDER, systemClock.nowMs);
const closings = [await catchMails(mailbox, Number(MAIL_SMTP_PORT)), await showMails(mailbox, Number(MAIL_PAGE_PORT))];
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void Promise.all(closings.map((close) => close())).then(() => process.exit(0)));
}
logger.info({ smtpPort: Number(MAIL_SMTP_PORT), pagePort: Number(MAIL_PAGE_PORT) }, 'catching mails');
