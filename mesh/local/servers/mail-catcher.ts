import { loopback } from '../ports.ts';
import { repositoryRoot } from '../settings.ts';
import { httpHeartbeat } from '../supervisor/liveness.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import { serverEnvironment } from './environment.ts';

export type MailCatcherOptions = {
  /** Where what was caught is kept. */
  readonly dataDir: string;
  readonly logPath: string;
  readonly smtpPort: number;
  readonly pagePort: number;
};

/** Tells how to run what takes the mails of a stack, instead of a server that would send them on. */
export function prepareMailCatcher({ dataDir, logPath, smtpPort, pagePort }: MailCatcherOptions): ProcessSpec {
  return {
    name: 'mail',
    command: process.execPath,
    args: ['mesh/local/mail/main.ts'],
    env: {
      ...serverEnvironment(),
      ...{ MAIL_FOLDER: dataDir, MAIL_SMTP_PORT: String(smtpPort), MAIL_PAGE_PORT: String(pagePort) },
    },
    cwd: repositoryRoot,
    logPath,
    probe: () => isThere(pagePort),
    readyTimeoutMs: 30_000,
    heartbeat: httpHeartbeat(pagePort, '/livez'),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
  };
}

async function isThere(port: number): Promise<boolean> {
  const response = await fetch(`http://${loopback}:${port}/livez`, { signal: AbortSignal.timeout(1_000) });
  await response.body?.cancel();
  return response.status === 200;
}
