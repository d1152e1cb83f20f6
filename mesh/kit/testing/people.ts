import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';
import { newId } from '#kit/ids.ts';
import type { Callers } from '#kit/testing/callers.ts';
import type { TestContext } from '#kit/testing/context.ts';

/** The people of a test and who follows whom, in the real user service. */
export interface People {
  /** Signs up a person whose display name is the handle in capitals; a new handle unless told. @returns the id */
  addUser(handle?: string): Promise<string>;
  follow(followerId: string, followeeId: string): Promise<void>;
  unfollow(followerId: string, followeeId: string): Promise<void>;
}

/** @param users calls the user service */
export function createPeople({ clock }: TestContext, users: Callers): People {
  let count = 0;
  const graph = (userId: string) => users.asUser(UserServiceDefinition, userId);
  return {
    async addUser(handle = `person_${++count}`) {
      const id = newId(clock.nowMs());
      const registry = users.asService(UserInternalServiceDefinition, 'auth');
      await registry.createUser({ id, handle, displayName: handle.toUpperCase() });
      return id;
    },
    follow: async (followerId, followeeId) => void (await graph(followerId).follow({ id: followeeId })),
    unfollow: async (followerId, followeeId) => void (await graph(followerId).unfollow({ id: followeeId })),
  };
}
