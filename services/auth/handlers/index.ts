/** What this service answers: one file an RPC. */

// AuthService: people, through the front door.

export { login } from './login.ts';
export { logout } from './logout.ts';
export { refresh } from './refresh.ts';
export { register } from './register.ts';

// AuthInternalService: our own services.

export { issueServiceToken } from './issue-service-token.ts';
