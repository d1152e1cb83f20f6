import { createClient } from 'nice-grpc';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { asOperator, type OperatorCall } from '../../client/operator.ts';
import type { StackPlan } from '../../stack/plan.ts';

/** Auth, as the operator may ask it. */
type Auth = ReturnType<typeof createClient<AuthInternalServiceDefinition>>;

/** Asks auth as the operator. @param what and errors as for `asOperator` */
export function askAuth<T>(
  plan: StackPlan,
  what: string,
  ask: (auth: Auth, call: OperatorCall) => Promise<T>,
): Promise<T> {
  return asOperator(plan, what, (channel, call) => ask(createClient(AuthInternalServiceDefinition, channel), call));
}
