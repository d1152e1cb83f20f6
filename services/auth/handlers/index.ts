/** What this service answers: one file an RPC. */

// AuthService: people, through the front door.

export { changeEmail } from './accounts/change-email.ts';
export { changePassword } from './accounts/change-password.ts';
export { forgotPassword } from './accounts/forgot-password.ts';
export { getAccount } from './accounts/get-account.ts';
export { register } from './accounts/register.ts';
export { resendVerification } from './accounts/resend-verification.ts';
export { resetPassword } from './accounts/reset-password.ts';
export { verifyEmail } from './accounts/verify-email.ts';
export { confirmSignIn } from './sessions/confirm-sign-in.ts';
export { listSessions } from './sessions/list-sessions.ts';
export { login } from './sessions/login.ts';
export { logout } from './sessions/logout.ts';
export { refresh } from './sessions/refresh.ts';
export { revokeSession } from './sessions/revoke-session.ts';

// ApiKeyService: people, through the front door.

export { createApiKey } from './api-keys/create-api-key.ts';
export { listApiKeys } from './api-keys/list-api-keys.ts';
export { revokeApiKey } from './api-keys/revoke-api-key.ts';
export { rotateApiKey } from './api-keys/rotate-api-key.ts';

// MfaService: people, through the front door.

export { confirmTotp } from './mfa/confirm-totp.ts';
export { disableTotp } from './mfa/disable-totp.ts';
export { enrolTotp } from './mfa/enrol-totp.ts';
export { getMfa } from './mfa/get-mfa.ts';
export { regenerateRecoveryCodes } from './mfa/regenerate-recovery-codes.ts';

// PasskeyService: people, through the front door.

export { beginPasskeyRegistration } from './passkeys/begin-passkey-registration.ts';
export { beginPasskeySignIn } from './passkeys/begin-passkey-sign-in.ts';
export { deletePasskey } from './passkeys/delete-passkey.ts';
export { finishPasskeyRegistration } from './passkeys/finish-passkey-registration.ts';
export { finishPasskeySignIn } from './passkeys/finish-passkey-sign-in.ts';
export { listPasskeys } from './passkeys/list-passkeys.ts';
export { renamePasskey } from './passkeys/rename-passkey.ts';

// ConsentService: people, through the front door.

export { listConsents } from './consents/list-consents.ts';
export { revokeConsent } from './consents/revoke-consent.ts';

// AdminService: administrators, through the front door.

export { listAuditLog } from './administration/list-audit-log.ts';

// AdminInternalService: the operator.

export { grantAdmin } from './administration/grant-admin.ts';
export { listAdmins } from './administration/list-admins.ts';
export { resetMfa } from './administration/reset-mfa.ts';
export { revokeAdmin } from './administration/revoke-admin.ts';

// AuthInternalService: our own services.

export { disableAccount } from './accounts/disable-account.ts';
export { dropServiceSecrets } from './keys/drop-service-secrets.ts';
export { issueServiceToken } from './keys/issue-service-token.ts';
export { rewrapSigningKeys } from './keys/rewrap-signing-keys.ts';
export { rotateSigningKeys } from './keys/rotate-signing-keys.ts';
