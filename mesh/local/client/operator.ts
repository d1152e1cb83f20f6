import { type Channel, ClientError, createChannel, createClient, Metadata } from 'nice-grpc';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { operatorName } from '../secrets.ts';
import type { StackPlan } from '../stack/plan.ts';
import { ofService } from '../stack/replicas.ts';

const timeoutMs = 10_000;

/** What goes with each call of the operator. */
export type OperatorCall = { readonly signal: AbortSignal; readonly metadata: Metadata };

/**
 * Calls auth as the operator, whose secret stands beside those of the services.
 * @param problem what can't be done when it fails
 * @throws CliError with the words of auth
 */
export async function asOperator<T>(
  plan: Pick<StackPlan, 'urls' | 'secrets'>,
  problem: string,
  work: (channel: Channel, call: OperatorCall) => Promise<T>,
): Promise<T> {
  // Whichever replica answers.
  const channel = createChannel(`ipv4:${ofService('auth', plan.urls.grpc).join()}`);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const auth = createClient(AuthInternalServiceDefinition, channel);
    const credentials = { clientId: operatorName, clientSecret: plan.secrets.operator };
    const { accessToken } = await auth.issueServiceToken(credentials, { signal });
    return await work(channel, { signal, metadata: Metadata({ authorization: `Bearer ${accessToken}` }) });
  } catch (error) {
    throw new CliError(`${problem}: ${error instanceof ClientError ? error.details : messageOf(error)}`, {
      advice: ['./oxo status tells whether auth runs; ./oxo logs auth says more'],
      cause: error,
    });
  } finally {
    channel.close();
  }
}
