import { ClientError, createChannel, createClient, Metadata } from 'nice-grpc';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { CliError, messageOf } from '../../cli/cli-error.ts';
import { operatorName } from '../../secrets.ts';
import type { StackPlan } from '../../stack/plan.ts';
import { ofService } from '../../stack/replicas.ts';

const timeoutMs = 10_000;

/** Auth, as the operator may ask it. */
type Auth = ReturnType<typeof createClient<AuthInternalServiceDefinition>>;
type Options = { readonly signal: AbortSignal; readonly metadata: Metadata };

/**
 * Asks auth, whichever replica answers, as the operator, whose secret stands beside those of the services.
 * @param what can't be done, for the error: "the keys can't be rotated"
 * @throws CliError
 */
export async function askAuth<T>(
  plan: StackPlan,
  what: string,
  ask: (auth: Auth, options: Options) => Promise<T>,
): Promise<T> {
  const channel = createChannel(`ipv4:${ofService('auth', plan.urls.grpc).join()}`);
  const auth = createClient(AuthInternalServiceDefinition, channel);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const credentials = { clientId: operatorName, clientSecret: plan.secrets.operator };
    const { accessToken } = await auth.issueServiceToken(credentials, { signal });
    return await ask(auth, { signal, metadata: Metadata({ authorization: `Bearer ${accessToken}` }) });
  } catch (error) {
    throw new CliError(`${what}: ${error instanceof ClientError ? error.details : messageOf(error)}`, {
      advice: ['./oxo status tells whether auth runs; ./oxo logs auth says more'],
      cause: error,
    });
  } finally {
    channel.close();
  }
}
