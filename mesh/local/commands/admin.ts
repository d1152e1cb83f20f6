import { createClient } from 'nice-grpc';
import { AdminInternalServiceDefinition } from '#gen/oxo/admin/v1/admin_internal_service.ts';
import { CliError } from '../cli/cli-error.ts';
import { type Command, parseFlags } from '../cli/command.ts';
import { asOperator, type OperatorCall } from '../client/operator.ts';
import { readSettings } from '../settings.ts';
import { planStack } from '../stack/plan.ts';
import { withRunningSettings } from '../supervisor/state.ts';

type Admin = ReturnType<typeof createClient<typeof AdminInternalServiceDefinition>>;

export const command: Command = {
  usage: `usage: ./oxo admin grant HANDLE
       ./oxo admin revoke HANDLE
       ./oxo admin list
       ./oxo admin reset-mfa HANDLE

Who may administer: read the audit log, and whatever else asks for the scope "admin". No sign-in, client or API key gets it otherwise.

  grant   sessions that this person opens from now on have the scope; those that are open have not
  revoke  takes it back, and ends the sessions of the person in apps and browsers at once; API keys and connected apps stay

  reset-mfa  for a person who has lost authenticator app and recovery codes, or passkeys: takes all of them away, and signs the person out
             everywhere. Their password stays; be sure who asks, since whoever knows it comes in then`,
  run,
};

const actions: Readonly<Record<string, (admin: Admin, handle: string, call: OperatorCall) => Promise<void>>> = {
  async grant(admin, handle, call) {
    const { changed } = await admin.grantAdmin({ handle }, call);
    console.log(changed ? `${handle} administers, from the next sign-in on` : `${handle} administers already`);
  },
  async revoke(admin, handle, call) {
    const { changed } = await admin.revokeAdmin({ handle }, call);
    console.log(
      changed
        ? `${handle} no longer administers; every session in apps and browsers has ended. API keys and connected apps, which never administer, stay`
        : `${handle} did not administer`,
    );
  },
  async 'reset-mfa'(admin, handle, call) {
    const { changed } = await admin.resetMfa({ handle }, call);
    const now = changed ? 'has no second step and no passkey any more' : 'had no second step and no passkey';
    console.log(`${handle} ${now}, and is signed out everywhere`);
  },
};

async function run(argv: readonly string[]): Promise<number> {
  const { positionals } = parseFlags(argv, {}, 2);
  const [name = '', handle] = positionals;
  const isList = name === 'list' && handle === undefined;
  const action = Object.hasOwn(actions, name) && handle !== undefined ? actions[name] : undefined;
  if (!isList && action === undefined) {
    throw new CliError(
      'say ./oxo admin grant HANDLE, ./oxo admin revoke HANDLE, ./oxo admin list or ./oxo admin reset-mfa HANDLE',
      { exitCode: 2 },
    );
  }
  const plan = planStack(withRunningSettings(readSettings(process.env)));
  await asOperator(plan, "this can't be done", async (channel, call) => {
    const admin = createClient(AdminInternalServiceDefinition, channel);
    if (action !== undefined) return await action(admin, handle ?? '', call);
    const { admins } = await admin.listAdmins({}, call);
    for (const { userId, handle: known } of admins) console.log(`${userId}  ${known}`);
    if (admins.length === 0) console.log('nobody administers');
  });
  return 0;
}
