import type { NamedMigration } from '#kit/db/migrations.ts';
import { AccountEntity } from './entities/account-entity.ts';
import { ApiKeyEntity } from './entities/api-key-entity.ts';
import { ApiKeySecretEntity } from './entities/api-key-secret-entity.ts';
import { ConsentEntity } from './entities/consent-entity.ts';
import { DataKeyEntity } from './entities/data-key-entity.ts';
import { EncryptionKeyEntity } from './entities/encryption-key-entity.ts';
import { KnownDeviceEntity } from './entities/known-device-entity.ts';
import { MailEntity } from './entities/mail-entity.ts';
import { MfaFactorEntity } from './entities/mfa-factor-entity.ts';
import { OAuthArtifactEntity } from './entities/oauth-artifact-entity.ts';
import { OAuthClientEntity } from './entities/oauth-client-entity.ts';
import { OAuthGrantEntity } from './entities/oauth-grant-entity.ts';
import { PasskeyEntity } from './entities/passkey-entity.ts';
import { RecoveryCodeEntity } from './entities/recovery-code-entity.ts';
import { SessionEntity } from './entities/session-entity.ts';
import { SigningKeyEntity } from './entities/signing-key-entity.ts';
import { UsedTokenEntity } from './entities/used-token-entity.ts';
import { Initial } from './migrations/20261123-initial.ts';
import { RevokedSessions } from './migrations/20261124-revoked-sessions.ts';
import { DisabledAccounts } from './migrations/20261127-disabled-accounts.ts';
import { OwnerLocks } from './migrations/20261128-owner-locks.ts';
import { RelayChannel } from './migrations/20261128-relay-channel.ts';
import { Admin } from './migrations/20261129-admin.ts';
import { ApiKeys } from './migrations/20261129-api-keys.ts';
import { Consents } from './migrations/20261129-consents.ts';
import { KnownNetworks } from './migrations/20261129-known-networks.ts';
import { Oauth } from './migrations/20261129-oauth.ts';
import { BrowserEpochs } from './migrations/20261201-browser-epochs.ts';
import { BrowserSessions } from './migrations/20261201-browser-sessions.ts';
import { ClientUse } from './migrations/20261201-client-use.ts';
import { KnownDevices } from './migrations/20261201-known-devices.ts';
import { Mails } from './migrations/20261201-mails.ts';
import { Mfa } from './migrations/20261201-mfa.ts';
import { OauthRotation } from './migrations/20261201-oauth-rotation.ts';
import { EncryptionKeys } from './migrations/20261208-encryption-keys.ts';
import { LastMails } from './migrations/20261208-last-mails.ts';
import { Passkeys } from './migrations/20261208-passkeys.ts';
import { UsedTokens } from './migrations/20261208-used-tokens.ts';

/** The tables of this service: its entities, and its migrations in the order in which they run. */
export const entities = [
  AccountEntity,
  SessionEntity,
  SigningKeyEntity,
  OAuthClientEntity,
  OAuthGrantEntity,
  OAuthArtifactEntity,
  KnownDeviceEntity,
  ApiKeyEntity,
  ApiKeySecretEntity,
  ConsentEntity,
  MailEntity,
  DataKeyEntity,
  EncryptionKeyEntity,
  MfaFactorEntity,
  RecoveryCodeEntity,
  UsedTokenEntity,
  PasskeyEntity,
];
export const migrations: NamedMigration[] = [
  { name: '20261123-initial', class: Initial },
  { name: '20261124-revoked-sessions', class: RevokedSessions },
  { name: '20261127-disabled-accounts', class: DisabledAccounts },
  { name: '20261128-owner-locks', class: OwnerLocks },
  { name: '20261128-relay-channel', class: RelayChannel },
  { name: '20261129-oauth', class: Oauth },
  { name: '20261129-known-networks', class: KnownNetworks },
  { name: '20261129-api-keys', class: ApiKeys },
  { name: '20261129-consents', class: Consents },
  { name: '20261129-admin', class: Admin },
  { name: '20261201-oauth-rotation', class: OauthRotation },
  { name: '20261201-known-devices', class: KnownDevices },
  { name: '20261201-browser-epochs', class: BrowserEpochs },
  { name: '20261201-mails', class: Mails },
  { name: '20261201-client-use', class: ClientUse },
  { name: '20261201-browser-sessions', class: BrowserSessions },
  { name: '20261201-mfa', class: Mfa },
  { name: '20261208-last-mails', class: LastMails },
  { name: '20261208-used-tokens', class: UsedTokens },
  { name: '20261208-passkeys', class: Passkeys },
  { name: '20261208-encryption-keys', class: EncryptionKeys },
];
