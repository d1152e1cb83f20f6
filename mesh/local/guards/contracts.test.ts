import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import { CliError } from '../cli/cli-error.ts';
import { generate, recordRelease } from '../generate/generate.ts';
import { migrationOrder, services } from '../services.ts';
import { repositoryRoot } from '../settings.ts';
import { temporaryFolder } from '../testing/temporary.ts';

const POST_SERVICE = 'proto/oxo/post/v1/post_service.proto';
const POST_INTERNAL = 'proto/oxo/post/v1/post_internal_service.proto';
const AUTH_SERVICE = 'proto/oxo/auth/v1/auth_service.proto';
const POST = 'proto/oxo/post/v1/post.proto';

let root: string;

/** Changes one file of the copy; the text must be there. */
function plant(path: string, text: string, replacement: string): void {
  const before = readFileSync(join(root, path), 'utf8');
  assert.ok(before.includes(text), `${path} holds no ${text}`);
  writeFileSync(join(root, path), before.replace(text, replacement));
}

/** What generate says is wrong, in one text. */
async function refusal(): Promise<string> {
  const error: unknown = await generate({ check: true, root }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CliError, `generate found nothing wrong: ${error}`);
  return [error.message, ...error.advice].join('\n');
}

beforeEach(() => {
  root = temporaryFolder();
  for (const name of ['proto', 'gen', 'buf.yaml', 'buf.gen.yaml', 'package.json']) {
    cpSync(join(repositoryRoot, name), join(root, name), { recursive: true });
  }
  symlinkSync(join(repositoryRoot, 'node_modules'), join(root, 'node_modules'));
});

describe('generated code', () => {
  it('is told to be stale when it was edited, left behind or lost, and mended', async () => {
    assert.deepEqual(await generate({ check: true, root }), []);
    appendFileSync(join(root, 'gen/ts/oxo/post/v1/post.ts'), '// edited\n');
    writeFileSync(join(root, 'gen/ts/oxo/post/v1/left_behind.ts'), '');
    rmSync(join(root, 'gen/envoy/oxo.binpb'));
    appendFileSync(join(root, 'gen/openapi.yaml'), '# edited\n');
    const stale = [
      'gen/envoy/oxo.binpb',
      'gen/openapi.yaml',
      'gen/ts/oxo/post/v1/left_behind.ts',
      'gen/ts/oxo/post/v1/post.ts',
    ];
    assert.deepEqual(await generate({ check: true, root }), stale);
    assert.deepEqual(await generate({ root }), stale);
    assert.deepEqual(await generate({ check: true, root }), []);
  });

  it('is told to be stale when a contract has changed', async () => {
    plant(POST, 'string text = 3;', 'string text = 3;\n  // Planted.\n  bool planted = 99;');
    const stale = await generate({ check: true, root });
    for (const path of ['gen/envoy/oxo.binpb', 'gen/openapi.yaml', 'gen/ts/oxo/post/v1/post.ts']) {
      assert.ok(stale.includes(path), path);
    }
  });
});

describe('contracts', () => {
  it('must declare the access of every RPC', async () => {
    const open = '    option (oxo.common.v1.access) = {\n      open: {}\n    };\n';
    plant(POST_SERVICE, open, '');
    plant(POST_SERVICE, open, '    option (oxo.common.v1.access) = {};\n');
    const said = await refusal();
    assert.match(said, /oxo\.post\.v1\.PostService\.GetPost: declares no access/);
    assert.match(said, /oxo\.post\.v1\.PostService\.ListPostRevisions: declares no access/);
  });

  it('must have a REST form when they are public, and none when they are internal', async () => {
    plant(POST_SERVICE, 'option (google.api.http) = {get: "/api/v1/posts/{id}"};\n    ', '');
    const rule = 'option (google.api.http) = {get: "/api/v1/leak"};';
    plant(
      POST_INTERNAL,
      'rpc BatchGetPosts(BatchGetPostsRequest) returns (BatchGetPostsResponse) {',
      `$&\n    ${rule}`,
    );
    plant(POST_INTERNAL, 'import "oxo/common', 'import "google/api/annotations.proto";\nimport "oxo/common');
    const said = await refusal();
    assert.match(said, /PostService\.GetPost: is public and needs a google\.api\.http rule/);
    assert.match(said, /PostInternalService\.BatchGetPosts: is internal and must have no google\.api\.http rule/);
  });

  it('must not be for internal callers in a public service', async () => {
    plant(POST_SERVICE, 'open: {}', 'internal: {\n        callers: ["feed"]\n      }');
    assert.match(await refusal(), /PostService\.GetPost: stands in a public service/);
  });

  it('must name the thing that a path is below by its kind when what it lists has a path of its own, and only then', async () => {
    plant(POST_SERVICE, '/api/v1/users/{user_id}/posts', '/api/v1/users/{id}/posts');
    plant(POST_SERVICE, '/api/v1/posts/{id}/revisions', '/api/v1/posts/{post_id}/revisions');
    const said = await refusal();
    assert.match(said, /ListUserPosts: has the path \/api\/v1\/users\/\{id\}\/posts: \{id\} must be \{<kind>_id\}/);
    assert.match(said, /ListPostRevisions: has the path .*: \{post_id\} must be \{id\}/);
    assert.doesNotMatch(said, /Follow/);
  });

  it('must honour Idempotency-Key when they are a POST, and If-Match only when they change something', async () => {
    plant(POST_SERVICE, '    option (oxo.common.v1.idempotency_key) = true;\n', '');
    plant(
      POST_SERVICE,
      '    option idempotency_level = NO_SIDE_EFFECTS;',
      '    option (oxo.common.v1.if_match) = true;\n$&',
    );
    const said = await refusal();
    assert.match(said, /PostService\.CreatePost: is a POST and must honour Idempotency-Key/);
    assert.match(said, /PostService\.GetPost: honours If-Match but changes nothing/);
    assert.doesNotMatch(said, /AuthService/);
  });

  it('must say of a service whose responses hold secrets that none is stored', async () => {
    plant('proto/oxo/auth/v1/api_key_service.proto', '  option (oxo.common.v1.keeps_secrets) = true;\n\n', '');
    plant(
      AUTH_SERVICE,
      '    option (oxo.common.v1.success_status)',
      '    option (oxo.common.v1.idempotency_key) = true;\n$&',
    );
    const said = await refusal();
    assert.match(said, /ApiKeyService\.CreateApiKey: is a POST and must honour Idempotency-Key.*keeps_secrets/);
    assert.match(said, /AuthService\.Register: honours Idempotency-Key, but its service keeps_secrets/);
    assert.doesNotMatch(said, /Login/);
  });

  it('must ask for scopes and callers that there are', async () => {
    plant(POST_SERVICE, 'scopes: ["posts:write"]', 'scopes: ["posts:wriet"]');
    plant(POST_INTERNAL, 'callers: ["feed"]', 'callers: ["fede"]');
    const said = await refusal();
    assert.match(said, /PostService\.CreatePost: asks for the scope posts:wriet/);
    assert.match(said, /PostInternalService\.\w+: names the caller fede, which is none of auth, .*, operator/);
    assert.doesNotMatch(said, /AdminService|UserInternalService/);
  });

  it('must name reasons that there are, with their status, also by what stands in a path', async () => {
    plant(POST_SERVICE, '// One post.', '// One post. 404 POST_GONE when it is gone, 403 POST_NOT_FOUND when not.');
    plant(AUTH_SERVICE, '401 CREDENTIALS_INVALID', 'UNAUTHENTICATED CREDENTIALS_INVALID');
    plant(POST_SERVICE, '"/api/v1/posts/{id}/revisions"', '"/api/v1/stories/{id}/revisions"');
    const said = await refusal();
    assert.match(said, /PostService\.GetPost: its comment names POST_GONE, which proto\/.*\.proto does not have/);
    assert.match(said, /PostService\.GetPost: its comment says 403 POST_NOT_FOUND: write 404 POST_NOT_FOUND/);
    assert.match(said, /AuthService\.Login: its comment says UNAUTHENTICATED CREDENTIALS_INVALID: write 401 C/);
    assert.match(said, /ListPostRevisions: has the path \/api\/v1\/stories\/.*, whose 404 is STORY_NOT_FOUND/);
  });

  it('must have routes that differ by more than names of parameters, of fields that there are', async () => {
    plant(POST_SERVICE, 'patch: "/api/v1/posts/{id}"', 'patch: "/api/v1/posts/{post_id}"');
    plant(POST_SERVICE, 'get: "/api/v1/posts/{id}/revisions"', 'get: "/api/v1/posts/{id}"');
    plant(AUTH_SERVICE, 'body: "*"', 'body: "handle"');
    plant(POST_SERVICE, 'message GetPostRequest {', '$&\n  // Planted.\n  Post planted = 99;');
    const said = await refusal();
    assert.match(
      said,
      /UpdatePost: has the path \/api\/v1\/posts\/\{post_id\}, which .*GetPost calls .*\{id\}: use one/,
    );
    assert.match(said, /UpdatePost: has the path .*: \{post_id\} must be the name of a scalar field of UpdatePostR/);
    assert.match(said, /ListPostRevisions: has the route GET \/api\/v1\/posts\/\{id\} of .*PostService\.GetPost/);
    assert.match(said, /PostService\.GetPost: has planted in its query, where neither a message nor a map can stand/);
    assert.match(said, /Register: has the body "handle", which must be "\*" or the name of a message field/);
  });

  it('must be routed by a verb that there is', async () => {
    const head = 'custom: {\n        kind: "HEAD"\n        path: "/api/v1/posts"\n      }';
    plant(POST_SERVICE, 'post: "/api/v1/posts"\n      body: "*"', head);
    assert.match(await refusal(), /PostService\.CreatePost: an http rule of kind custom is not supported/);
  });

  it('must name a scope, or be for first-party sign-ins alone', async () => {
    plant('proto/oxo/auth/v1/auth_service.proto', 'signed_in: {first_party: true}', 'signed_in: {}');
    const said = await refusal();
    assert.match(said, /AuthService\.Logout: needs no scope/);
    assert.doesNotMatch(said, /ListSessions/);
  });

  it('must hold what the API reference says: a comment, an example of each field, each reason', async () => {
    plant(POST, 'string text = 3;', 'string text = 3;\n  // Planted.\n  string planted = 99;');
    plant(POST_SERVICE, '  // One post.\n', '');
    const reasons = 'proto/oxo/common/v1/error_reason.proto';
    plant(reasons, '  // RESOURCE_EXHAUSTED', '  // NOT_FOUND: no such thing.\n  THING_NOT_FOUND = 99;\n\n$&');
    const said = await refusal();
    assert.match(said, /PostService\.GetPost: has no comment/);
    assert.match(said, /Post\.planted: has no example: .* mesh\/local\/openapi\/example-values\.ts/);
    assert.match(said, /THING_NOT_FOUND: no public RPC tells of it/);
  });

  it('must say that they may be repeated when they are a PUT or a DELETE', async () => {
    plant(
      POST_SERVICE,
      'service PostService {',
      `message HidePostRequest {
  string id = 1;
}

message HidePostResponse {}

$&
  // Hides a post.
  rpc HidePost(HidePostRequest) returns (HidePostResponse) {
    option (google.api.http) = {put: "/api/v1/posts/{id}/hidden"};
    option (oxo.common.v1.access) = {
      signed_in: {}
    };
  }
`,
    );
    assert.match(await refusal(), /PostService\.HidePost: is a PUT without idempotency_level/);
  });

  it('must pass buf lint', async () => {
    plant(POST, 'string text = 3;', 'string text = 3;\n  string BadName = 99;');
    assert.match(await refusal(), /buf lint refuses[\s\S]*post\.proto:\d+:\d+:.*BadName/);
  });

  it('must be formatted', async () => {
    plant(POST, 'string text = 3;', 'string   text = 3;');
    assert.match(await refusal(), /not formatted/);
  });

  it('must not break clients of the last release', async () => {
    plant(POST, 'string text = 3;', 'string body = 3;');
    assert.match(await refusal(), /break clients of the last release[\s\S]*post\.proto/);
  });

  it('must not lose what the last release had', async () => {
    plant(POST, '    FOLLOWERS = 3;', '    CLOSE_FRIENDS = 4;');
    assert.match(await refusal(), /break clients of the last release/);
  });
});

describe('a release', () => {
  it('records the contracts, and the migrations in the order in which they run', async () => {
    const folder = join(root, 'mesh/local/guards/released');
    mkdirSync(folder, { recursive: true });
    plant(POST, 'string text = 3;', 'string text = 3;\n  // Planted.\n  string planted = 99;');
    await recordRelease(root);

    const recorded: Record<string, string[]> = JSON.parse(readFileSync(join(folder, 'migrations.json'), 'utf8'));
    const withTables = services.filter(({ migrate }) => migrate !== undefined).map(({ name }) => name);
    assert.deepEqual(Object.keys(recorded), withTables);
    for (const name of withTables) assert.deepEqual(recorded[name], await migrationOrder(name), name);
    const { post = [] } = recorded;
    assert.ok(post.indexOf('20261127-revisions') < post.indexOf('20261127-pulled'), 'not the order of their names');
    plant(POST, 'string planted = 99;', 'string other = 99;');
    assert.match(await refusal(), /break clients of the last release/);
  });
});
