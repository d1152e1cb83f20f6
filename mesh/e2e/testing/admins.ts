import { createClient } from 'nice-grpc';
import { AdminInternalServiceDefinition } from '#gen/oxo/admin/v1/admin_internal_service.ts';
import { asOperator } from '../../local/client/operator.ts';
import { logIn, type Person, signUp } from './people.ts';
import type { World } from './world.ts';

/** Makes this person an administrator, as the operator does. @returns with the session that is one's */
export async function makeAdmin({ stack, api }: World, person: Person): Promise<Person> {
  await asOperator(stack, 'nobody becomes an administrator', (channel, call) =>
    createClient(AdminInternalServiceDefinition, channel).grantAdmin({ handle: person.handle }, call),
  );
  return { ...person, ...(await logIn(api, person)) };
}

/** Takes it back. */
export async function unmakeAdmin({ stack }: World, { handle }: Person): Promise<void> {
  await asOperator(stack, 'nobody ceases to be one', (channel, call) =>
    createClient(AdminInternalServiceDefinition, channel).revokeAdmin({ handle }, call),
  );
}

export async function signUpAdmin(world: World): Promise<Person> {
  return makeAdmin(world, await signUp(world.api));
}
