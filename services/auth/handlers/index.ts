/** What this service answers: one file an RPC. */

// AuthService: people, through the front door.

export { listSessions } from './list-sessions.ts';
export { login } from './login.ts';
export { logout } from './logout.ts';
export { refresh } from './refresh.ts';
export { register } from './register.ts';
export { revokeSession } from './revoke-session.ts';

// ApiKeyService: people, through the front door.

export { createApiKey } from './create-api-key.ts';
export { listApiKeys } from './list-api-keys.ts';
export { revokeApiKey } from './revoke-api-key.ts';
export { rotateApiKey } from './rotate-api-key.ts';

// ConsentService: people, through the front door.

export { listConsents } from './list-consents.ts';
export { revokeConsent } from './revoke-consent.ts';

// AdminService: administrators, through the front door.

export { listAuditLog } from './list-audit-log.ts';

// AdminInternalService: the operator.

export { grantAdmin } from './grant-admin.ts';
export { listAdmins } from './list-admins.ts';
export { revokeAdmin } from './revoke-admin.ts';

// AuthInternalService: our own services.

export { disableAccount } from './disable-account.ts';
export { issueServiceToken } from './issue-service-token.ts';
export { rewrapSigningKeys } from './rewrap-signing-keys.ts';
export { rotateSigningKeys } from './rotate-signing-keys.ts';
