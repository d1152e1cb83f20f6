import type { Entity } from '#gen/oxo/post/v1/post.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { type Found, scan } from './scan.ts';

/** Finds what the text of a post names. */
export interface EntityFinder {
  /**
   * In the order of the text; null for nothing. Asks the user service once when there are handles in it, and not at all otherwise.
   * @throws OxoError UNAVAILABLE when it is away: a post without its mentions would tell nobody of them
   */
  find(text: string, context: CallContext): Promise<Entity[] | null>;
}

export function createEntityFinder(users: RpcClient<UserInternalServiceDefinition>): EntityFinder {
  /** User ids by handle. */
  async function resolve(handles: ReadonlySet<string>, context: CallContext): Promise<Map<string, string>> {
    if (handles.size === 0) return new Map();
    const { users: known } = await users.batchGetUsersByHandle({ handles: [...handles] }, asService(context));
    return new Map(known.map(({ id, handle }) => [handle, id]));
  }

  return {
    async find(text, context) {
      const found = scan(text);
      const handles = found.flatMap(({ kind, value }) => (kind === 'mention' ? [value] : []));
      const userIds = await resolve(new Set(handles), context);
      const entities = found.flatMap((each) => entityOf(each, userIds) ?? []);
      return entities.length === 0 ? null : entities;
    },
  };
}

function entityOf({ kind, start, end, value }: Found, userIds: ReadonlyMap<string, string>): Entity | undefined {
  switch (kind) {
    case 'mention': {
      const userId = userIds.get(value);
      return userId === undefined ? undefined : { start, end, mention: { userId } };
    }
    case 'hashtag':
      return { start, end, hashtag: { tag: value } };
    case 'link':
      return { start, end, link: { url: value } };
  }
}
