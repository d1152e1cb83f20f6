import { type Channel, ClientError, createChannel, createClient, Metadata, Status } from 'nice-grpc';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { operatorName } from '../secrets.ts';
import type { StackPlan } from '../stack/plan.ts';
import { ofService } from '../stack/replicas.ts';

const timeoutMs = 10_000;
/** Of auth, or of nobody: what went wrong stands in its logs. */
const NO_ANSWERS: ReadonlySet<Status> = new Set([
  ...[
    Status.UNAVAILABLE,
    Status.DEADLINE_EXCEEDED,
    Status.CANCELLED,
    Status.INTERNAL,
    Status.UNKNOWN,
    Status.UNIMPLEMENTED,
  ],
]);

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
  const { address, secret } = accessOf(plan, process.env);
  const channel = createChannel(address);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const auth = createClient(AuthInternalServiceDefinition, channel);
    const credentials = { clientId: operatorName, clientSecret: secret };
    const { accessToken } = await auth.issueServiceToken(credentials, { signal });
    return await work(channel, { signal, metadata: Metadata({ authorization: `Bearer ${accessToken}` }) });
  } catch (error) {
    throw new CliError(`${problem}: ${error instanceof ClientError ? error.details : messageOf(error)}`, {
      advice: adviceFor(error),
      cause: error,
    });
  } finally {
    channel.close();
  }
}

/** Who has got an answer need not look whether anybody answers. */
export function adviceFor(error: unknown): string[] {
  const answered = error instanceof ClientError && !NO_ANSWERS.has(error.code);
  return answered ? [] : ['./oxo status tells whether auth runs; ./oxo logs auth says more'];
}

/**
 * In a cluster there is no stack of ours: where auth is, and what the operator shows to it, stand in the environment
 * (mesh/kubernetes/base/operator.yaml).
 */
function accessOf({ urls, secrets }: Pick<StackPlan, 'urls' | 'secrets'>, env: NodeJS.ProcessEnv) {
  const { AUTH_GRPC_ADDRESS: address, OPERATOR_SECRET: secret } = env;
  if (address && secret) return { address, secret };
  // Whichever replica answers.
  return { address: `ipv4:${ofService('auth', urls.grpc).join()}`, secret: secrets.operator };
}
