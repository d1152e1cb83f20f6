import type { User } from '#gen/oxo/user/v1/user.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { type FieldViolation, hasReason, OxoError } from '#kit/errors.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';

/** A context that a call to the user service is made in: that of a request, or of the sweep. */
export type ProfileContext = Parameters<typeof asService>[0];

/** The profile that is made with an account. */
export interface NewProfile {
  id: string;
  handle: string;
  displayName: string;
}

/** What became of the wish for a profile. REFUSED: the user service finds fields wrong that passed here. */
export type Creation =
  | { outcome: 'CREATED'; user: User | undefined }
  | { outcome: 'TAKEN' | 'RESERVED' }
  | { outcome: 'REFUSED'; fields: FieldViolation[] };

/** The profiles of accounts, which the user service owns. */
export interface Profiles {
  /** Idempotent. @throws OxoError when it is not known what became of it */
  create(profile: NewProfile, context: ProfileContext): Promise<Creation>;
  /** @returns undefined when nobody has the handle */
  byHandle(handle: string, context: ProfileContext): Promise<User | undefined>;
  /** @returns undefined when there is no such profile */
  byId(id: string, context: ProfileContext): Promise<User | undefined>;
}

/**
 * The handle of an account for a page that is there also while the user service is away.
 * @returns undefined when it is away, or there is no such profile
 */
export async function handleIfThere(
  profiles: Pick<Profiles, 'byId'>,
  accountId: string,
  { requestId }: ProfileContext,
): Promise<string | undefined> {
  try {
    return (await profiles.byId(accountId, { requestId }))?.handle;
  } catch (error) {
    if (error instanceof OxoError) return undefined;
    throw error;
  }
}

export function createProfiles(users: RpcClient<UserInternalServiceDefinition>): Profiles {
  async function resolve(by: { handle: string } | { id: string }, context: ProfileContext): Promise<User | undefined> {
    try {
      const { user } = await users.resolveUser(by, asService(context));
      return user;
    } catch (error) {
      if (hasReason(error, 'USER_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  return {
    async create({ id, handle, displayName }, context) {
      try {
        const { user } = await users.createUser({ id, handle, displayName }, asService(context));
        return { outcome: 'CREATED', user };
      } catch (error) {
        if (hasReason(error, 'HANDLE_TAKEN')) return { outcome: 'TAKEN' };
        if (hasReason(error, 'HANDLE_RESERVED')) return { outcome: 'RESERVED' };
        if (error instanceof OxoError && error.reason === 'VALIDATION_FAILED') {
          return { outcome: 'REFUSED', fields: error.fields };
        }
        throw error;
      }
    },
    byHandle: (handle, context) => resolve({ handle }, context),
    byId: (id, context) => resolve({ id }, context),
  };
}
