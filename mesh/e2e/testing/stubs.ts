import { createChannel, createClient } from 'nice-grpc';
import { AdminInternalServiceDefinition } from '#gen/oxo/admin/v1/admin_internal_service.ts';
import { AdminServiceDefinition } from '#gen/oxo/admin/v1/admin_service.ts';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { AuthServiceDefinition } from '#gen/oxo/auth/v1/auth_service.ts';
import { FeedServiceDefinition } from '#gen/oxo/feed/v1/feed_service.ts';
import { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';
import type { Stack } from '../../local/stack/stack.ts';

/** Bare gRPC stubs of every contract, without credentials of their own. */
export type Stubs = ReturnType<typeof openStubs>;

/** @param address host:port for all stubs, such as the front door's; by default each service's own port */
export function openStubs(stack: Stack, address?: string) {
  const channelOf = (service: string) => createChannel(address ?? stack.urls.grpc[service] ?? '');
  const channels = {
    auth: channelOf('auth'),
    user: channelOf('user'),
    post: channelOf('post'),
    feed: channelOf('feed'),
  };
  return {
    auth: createClient(AuthServiceDefinition, channels.auth),
    authInternal: createClient(AuthInternalServiceDefinition, channels.auth),
    admin: createClient(AdminServiceDefinition, channels.auth),
    adminInternal: createClient(AdminInternalServiceDefinition, channels.auth),
    user: createClient(UserServiceDefinition, channels.user),
    userInternal: createClient(UserInternalServiceDefinition, channels.user),
    post: createClient(PostServiceDefinition, channels.post),
    postInternal: createClient(PostInternalServiceDefinition, channels.post),
    feed: createClient(FeedServiceDefinition, channels.feed),
    close: () => {
      for (const channel of Object.values(channels)) channel.close();
    },
  };
}
