import assert from 'node:assert/strict';
import { ErrorInfo } from '#gen/google/rpc/error_details.ts';
import { Status as RpcStatus } from '#gen/google/rpc/status.ts';
import { AuthServiceDefinition, RegisterRequest } from '#gen/oxo/auth/v1/auth_service.ts';
import { FeedServiceDefinition, GetFeedRequest } from '#gen/oxo/feed/v1/feed_service.ts';
import { CreatePostRequest, GetPostRequest, PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import { FollowRequest, UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';
import { until } from '#kit/testing/until.ts';
import { callGrpcWeb, type GrpcWebAnswer } from '../../../gateway/envoy/testing/grpc-web.ts';
import type { Cases } from '../testing/cases.ts';
import { newHandle, post, signUp } from '../testing/people.ts';
import type { World } from '../testing/world.ts';

const origin = 'http://localhost:5173';

type Method<Response> = {
  readonly name: string;
  readonly responseType: { readonly decode: (bytes: Uint8Array) => Response };
};

/** A page of another origin, as browsers let it call. */
function openPage({ stack }: World, text: boolean) {
  const { hostname: host, port } = new URL(stack.urls.frontDoor);
  const address = { host, port: Number(port) };

  function send(path: string, request: Uint8Array, token?: string): Promise<GrpcWebAnswer> {
    const credentials: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return callGrpcWeb(address, path, request, { text, headers: { origin, ...credentials } });
  }

  async function call<Response>(
    service: { readonly fullName: string },
    method: Method<Response>,
    request: Uint8Array,
    token?: string,
  ): Promise<Response> {
    const { http, messages, trailers } = await send(`/${service.fullName}/${method.name}`, request, token);
    assert.equal(trailers.get('grpc-status'), '0', trailers.get('grpc-message'));
    assert.equal(http.headers['access-control-allow-origin'], origin);
    return method.responseType.decode(messages[0] ?? new Uint8Array());
  }

  return { send, call };
}

/** What an app in a browser does with gRPC-Web. */
export const browsers: Cases = {
  'a page signs up, follows, posts and reads its feed by gRPC-Web': async (world) => {
    const author = await signUp(world.api);
    const theirs = await post(world.api, author, 'by REST');
    for (const text of [false, true]) {
      const { call } = openPage(world, text);
      const handle = newHandle();
      const email = `${handle}@oxo.example`;
      const account = { handle, email, password: 'correct horse 42', displayName: handle, deviceToken: '' };
      const signedUp = await call(
        AuthServiceDefinition,
        AuthServiceDefinition.methods.register,
        RegisterRequest.encode(account).finish(),
      );
      const token = signedUp.tokens?.accessToken ?? '';
      const follow = FollowRequest.encode({ id: author.id }).finish();
      await call(UserServiceDefinition, UserServiceDefinition.methods.follow, follow, token);
      const mine = await call(
        PostServiceDefinition,
        PostServiceDefinition.methods.createPost,
        CreatePostRequest.encode(CreatePostRequest.fromPartial({ text: 'by gRPC-Web', visibility: 1 })).finish(),
        token,
      );
      const page = GetFeedRequest.encode(GetFeedRequest.fromPartial({ pageSize: 10 })).finish();
      await until('both are in the feed', async () => {
        const { items } = await call(FeedServiceDefinition, FeedServiceDefinition.methods.getFeed, page, token);
        assert.deepEqual(
          items.map((item) => item.post?.id),
          [mine.post?.id, theirs.id],
        );
        return true;
      });
    }
  },

  'a page is told why it was refused': async (world) => {
    const { send } = openPage(world, false);
    const request = GetPostRequest.encode({ id: '0198c0de-0000-7000-8000-000000000001' }).finish();
    const { trailers } = await send('/oxo.post.v1.PostService/GetPost', request);
    assert.equal(trailers.get('grpc-status'), '5');
    const status = RpcStatus.decode(Buffer.from(trailers.get('grpc-status-details-bin') ?? '', 'base64'));
    assert.equal(ErrorInfo.decode(status.details[0]?.value ?? new Uint8Array()).reason, 'POST_NOT_FOUND');
    const anonymous = await send('/oxo.feed.v1.FeedService/GetFeed', new Uint8Array());
    assert.equal(anonymous.trailers.get('grpc-status'), '16');
  },
};
