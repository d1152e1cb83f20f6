import type { ApiRequest } from '../testing/client.ts';
import type { Person, Post } from '../testing/people.ts';

/** Those whom the refusals are tried on. */
export type Cast = {
  readonly me: Person;
  readonly other: Person;
  readonly myPost: Post;
  readonly theirPost: Post;
};

/** A request that must be refused, and how. */
export type Refused = {
  readonly what: string;
  readonly request: ApiRequest;
  readonly status: number;
  readonly reason: string;
  /** Of the first field violation; undefined where no field is to blame. */
  readonly field?: string | undefined;
};

export const VALIDATION = { status: 400, reason: 'VALIDATION_FAILED' };
export const MALFORMED = { status: 400, reason: 'REQUEST_MALFORMED' };

/** An id that nothing has. */
export const unknownId = '01890000-0000-7000-8000-00000000dead';

/** Every RPC, called rightly by `me`. */
export function everyCall({ me, other, myPost }: Cast): Record<string, ApiRequest> {
  const token = me.accessToken;
  return {
    Register: { method: 'POST', path: '/auth/register', body: {} },
    Login: { method: 'POST', path: '/auth/login', body: {} },
    Refresh: { method: 'POST', path: '/auth/refresh', body: {} },
    GetAccount: { path: '/auth/account', token },
    ChangeEmail: { method: 'POST', path: '/auth/email', token, body: {} },
    ResendVerification: { method: 'POST', path: '/auth/email:resend', token, body: {} },
    ChangePassword: { method: 'POST', path: '/auth/password', token, body: {} },
    ForgotPassword: { method: 'POST', path: '/auth/password:forgot', body: {} },
    ResetPassword: { method: 'POST', path: '/auth/password:reset', body: {} },
    VerifyEmail: { method: 'POST', path: '/auth/email:verify', body: {} },
    Logout: { method: 'POST', path: '/auth/logout', token, body: {} },
    ListSessions: { path: '/auth/sessions', token },
    RevokeSession: { method: 'DELETE', path: `/auth/sessions/${unknownId}`, token },
    ConfirmSignIn: { method: 'POST', path: '/auth/sessions:confirm', token, body: {} },
    GetMfa: { path: '/auth/mfa', token },
    EnrolTotp: { method: 'POST', path: '/auth/mfa/totp', token, body: {} },
    ConfirmTotp: { method: 'POST', path: '/auth/mfa/totp:confirm', token, body: { otp: '123456' } },
    DisableTotp: { method: 'DELETE', path: '/auth/mfa/totp', token },
    RegenerateRecoveryCodes: { method: 'POST', path: '/auth/mfa/recovery-codes', token, body: {} },
    BeginPasskeyRegistration: { method: 'POST', path: '/auth/passkeys:begin', token, body: {} },
    FinishPasskeyRegistration: { method: 'POST', path: '/auth/passkeys', token, body: { name: 'phone' } },
    ListPasskeys: { path: '/auth/passkeys', token },
    RenamePasskey: { method: 'PATCH', path: `/auth/passkeys/${unknownId}`, token, body: { name: 'phone' } },
    DeletePasskey: { method: 'DELETE', path: `/auth/passkeys/${unknownId}`, token },
    BeginPasskeySignIn: { method: 'POST', path: '/auth/passkeys:begin-sign-in', body: {} },
    FinishPasskeySignIn: { method: 'POST', path: '/auth/passkeys:sign-in', body: {} },
    CreateApiKey: { method: 'POST', path: '/api-keys', token, body: { name: 'reader', scopes: ['feed:read'] } },
    ListApiKeys: { path: '/api-keys', token },
    RevokeApiKey: { method: 'DELETE', path: `/api-keys/${unknownId}`, token },
    RotateApiKey: { method: 'POST', path: `/api-keys/${unknownId}:rotate`, token, body: {} },
    ListConsents: { path: '/consents', token },
    RevokeConsent: { method: 'DELETE', path: '/consents/unknown', token },
    GetMe: { path: '/users/me', token },
    UpdateMe: { method: 'PATCH', path: '/users/me', token, body: { bio: 'changed' } },
    DeleteMe: { method: 'DELETE', path: '/users/me', token },
    GetUser: { path: `/users/${other.id}`, token },
    GetUserByHandle: { path: `/users/by-handle/${other.handle}`, token },
    Follow: { method: 'PUT', path: `/users/${other.id}/follow`, token },
    Unfollow: { method: 'DELETE', path: `/users/${other.id}/follow`, token },
    ListFollowers: { path: `/users/${other.id}/followers`, token },
    ListFollowing: { path: `/users/${other.id}/following`, token },
    CreatePost: { method: 'POST', path: '/posts', token, body: { text: 'made' } },
    GetPost: { path: `/posts/${myPost.id}`, token },
    UpdatePost: { method: 'PATCH', path: `/posts/${myPost.id}`, token, body: { text: 'changed' } },
    DeletePost: { method: 'DELETE', path: `/posts/${myPost.id}`, token },
    ListPostRevisions: { path: `/posts/${myPost.id}/revisions`, token },
    ListUserPosts: { path: `/users/${other.id}/posts`, token },
    ListAuditLog: { path: '/admin/audit-log', token },
    GetFeed: { path: '/feed', token },
    GetPublicFeed: { path: '/feed/public', token },
  };
}
