import type { Progress } from '../cli/terminal.ts';
import { loopback } from '../ports.ts';
import { loadSecrets } from '../secrets.ts';
import type { Settings } from '../settings.ts';
import { withRunningSettings } from '../supervisor/state.ts';
import { planStack, prometheusUser } from './plan.ts';
import { checkFlow, signIn } from './ready-check.ts';
import { requireServing } from './serving.ts';

/**
 * Proves that all of it works, and says what to do with it.
 * @throws CliError that names what does not
 */
export async function greet(given: Settings, progress: Progress, startedAtMs: number): Promise<void> {
  // What was given for a stack that runs may not be what it runs with.
  const settings = withRunningSettings(given);
  const frontDoor = `http://${loopback}:${settings.portBase}`;
  const { stateDir } = settings;
  const { accounts } = loadSecrets(settings.stateDir, []);
  await progress.step('every service can work', () => requireServing(planStack(settings)));
  await progress.step('a post seen in a feed', async () => `after ${await checkFlow(frontDoor, accounts.check)} ms`);
  const demo = { handle: 'demo', displayName: 'Demo', password: accounts.demo };
  const { accessToken } = await signIn(frontDoor, demo);
  const { urls } = planStack(settings);
  const metrics = urls.prometheus === undefined ? '' : new URL(urls.prometheus).origin;
  const mails = urls.mails ?? 'are sent by the server of MAIL_SMTP_URL';
  const observed =
    urls.telemetry === undefined
      ? ''
      : `\n  traces        ${urls.telemetry}, and dashboards\n  metrics       ${metrics}, as ${prometheusUser} with "prometheus" of ${stateDir}/secrets.json`;
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  console.log(`
OXO is ready (${seconds} s)

  account       ${frontDoor}/account, to sign in and up
  sign in as    ${demo.handle} with password ${demo.password}
  reference     ${frontDoor}/docs, to read and to try it
  API           ${frontDoor}/api/v1, described by ${frontDoor}/openapi.yaml
  OXO_URL       ${settings.publicUrl}, for apps: exactly so
  mails         ${mails}${observed}

try
  TOKEN=${accessToken}
  curl -s -H "Authorization: Bearer $TOKEN" -H 'content-type: application/json' \\
    -d '{"text":"Hello","visibility":"PUBLIC"}' ${frontDoor}/api/v1/posts
  curl -s -H "Authorization: Bearer $TOKEN" ${frontDoor}/api/v1/feed

next: ./oxo status, ./oxo logs -f, ./oxo demo, ./oxo down`);
  const warning = warningOfPort(settings);
  if (warning !== undefined) console.error(`\noxo: warning: ${warning}`);
}

/** What is odd about a public URL that names this machine, but not the port of the front door; undefined when nothing is. */
export function warningOfPort({ publicUrl, portBase }: Pick<Settings, 'publicUrl' | 'portBase'>): string | undefined {
  const { protocol, hostname, port, host } = new URL(publicUrl);
  const isHere = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  const named = port === '' ? { 'http:': 80, 'https:': 443 }[protocol] : Number(port);
  if (!isHere || named === portBase) return undefined;
  return `OXO_PUBLIC_URL names ${host}, and the front door is at port ${portBase}: sign-ins and links in mails work only if a proxy of yours listens there`;
}
