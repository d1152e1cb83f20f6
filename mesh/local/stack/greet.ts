import type { Progress } from '../cli/terminal.ts';
import { loopback } from '../ports.ts';
import { loadSecrets } from '../secrets.ts';
import type { Settings } from '../settings.ts';
import { withRunningSettings } from '../supervisor/state.ts';
import { planStack } from './plan.ts';
import { checkFlow, signIn } from './ready-check.ts';
import { requireServing } from './serving.ts';

/**
 * Proves that all of it works, and says what to do with it.
 * @throws CliError that names what does not
 */
export async function greet(settings: Settings, progress: Progress, startedAtMs: number): Promise<void> {
  const frontDoor = `http://${loopback}:${settings.portBase}`;
  const { accounts } = loadSecrets(settings.stateDir, []);
  await progress.step('every service can work', () => requireServing(planStack(withRunningSettings(settings))));
  await progress.step('a post seen in a feed', async () => `after ${await checkFlow(frontDoor, accounts.check)} ms`);
  const demo = { handle: 'demo', displayName: 'Demo', password: accounts.demo };
  const { accessToken } = await signIn(frontDoor, demo);
  const mails = planStack(settings).urls.mails ?? 'are sent by the server of MAIL_SMTP_URL';
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  console.log(`
OXO is ready (${seconds} s)

  account       ${frontDoor}/account, to sign in and up
  sign in as    ${demo.handle} with password ${demo.password}
  reference     ${frontDoor}/docs, to read and to try it
  API           ${frontDoor}/api/v1, described by ${frontDoor}/openapi.yaml
  OXO_URL       ${settings.publicUrl}, for apps: exactly so
  mails         ${mails}

try
  TOKEN=${accessToken}
  curl -s -H "Authorization: Bearer $TOKEN" -H 'content-type: application/json' \\
    -d '{"text":"Hello","visibility":"PUBLIC"}' ${frontDoor}/api/v1/posts
  curl -s -H "Authorization: Bearer $TOKEN" ${frontDoor}/api/v1/feed

next: ./oxo status, ./oxo logs -f, ./oxo demo, ./oxo down`);
}
