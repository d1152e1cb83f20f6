import { SMTPServer } from 'smtp-server';
import { loopback } from '../ports.ts';
import type { Mailbox } from './mailbox.ts';

const maxMailBytes = 1024 * 1024;
const maxRecipients = 100;

/** Takes every mail, from whomever and to whomever, and sends none on. Resolves when it listens. */
export async function catchMails(mailbox: Pick<Mailbox, 'keep'>, port: number): Promise<() => Promise<void>> {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    size: maxMailBytes,
    maxClients: 64,
    banner: 'mails are caught here and go nowhere',
    logger: false,
    onRcptTo(_address, session, callback) {
      const isFull = session.envelope.rcptTo.length >= maxRecipients;
      callback(isFull ? Object.assign(new Error('too many recipients'), { responseCode: 452 }) : null);
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => {
        if (!stream.sizeExceeded) chunks.push(chunk);
      });
      stream.on('end', () => {
        if (stream.sizeExceeded) {
          callback(Object.assign(new Error('the mail is too large'), { responseCode: 552 }));
          return;
        }
        const to = session.envelope.rcptTo.map(({ address }) => address);
        mailbox.keep(Buffer.concat(chunks), to).then(
          () => callback(null, 'caught'),
          (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
        );
      });
    },
  });
  // Whoever breaks off is no reason to end.
  server.on('error', () => {});
  const listener = server.listen(port, loopback);
  await new Promise<void>((resolve, reject) => {
    listener.once('listening', resolve);
    listener.once('error', reject);
  });
  return () => new Promise((resolve) => server.close(resolve));
}
