import { AdminInternalServiceDefinition } from '#gen/oxo/admin/v1/admin_internal_service.ts';
import { AdminServiceDefinition } from '#gen/oxo/admin/v1/admin_service.ts';
import { ApiKeyServiceDefinition } from '#gen/oxo/auth/v1/api_key_service.ts';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { AuthServiceDefinition } from '#gen/oxo/auth/v1/auth_service.ts';
import { ConsentServiceDefinition } from '#gen/oxo/auth/v1/consent_service.ts';
import { MfaServiceDefinition } from '#gen/oxo/auth/v1/mfa_service.ts';
import { PasskeyServiceDefinition } from '#gen/oxo/auth/v1/passkey_service.ts';
import type { RpcClient } from '#kit/rpc/client.ts';
import type { Callers } from '#kit/testing/callers.ts';

/** The contracts of auth, as those call them who may, or may not. */
export interface TestContracts {
  /** The public contract as this person, who signs in for it, or as nobody. */
  as(userId?: string): RpcClient<AuthServiceDefinition>;
  /** The public contract with a token as it is. */
  withToken(token: string): RpcClient<AuthServiceDefinition>;
  /** The contract of API keys with a token as it is; as nobody without. */
  apiKeys(token?: string): RpcClient<ApiKeyServiceDefinition>;
  /** The contract of second steps with a token as it is; as nobody without. */
  mfa(token?: string): RpcClient<MfaServiceDefinition>;
  /** The contract of passkeys with a token as it is; as nobody without. */
  passkeys(token?: string): RpcClient<PasskeyServiceDefinition>;
  /** What a person has allowed to clients, with a token as it is. */
  consentsWith(token: string): RpcClient<ConsentServiceDefinition>;
  /** The contract of administrators with a token as it is. */
  adminWithToken(token: string): RpcClient<AdminServiceDefinition>;
  /** The contract by which administrators are made, as the operator or as one of our services. */
  operator(service?: string): RpcClient<AdminInternalServiceDefinition>;
  /** The internal contract as one of our services, or as nobody. */
  internal(service?: string): RpcClient<AuthInternalServiceDefinition>;
  /** The internal contract with a token as it is. */
  internalWithToken(token: string): RpcClient<AuthInternalServiceDefinition>;
}

/** @param callers of a server with all of them */
export function contractsOf(callers: Callers): TestContracts {
  return {
    as: (userId) => callers.asUser(AuthServiceDefinition, userId),
    withToken: (token) => callers.withToken(AuthServiceDefinition, token),
    mfa: (token) =>
      token === undefined ? callers.asUser(MfaServiceDefinition) : callers.withToken(MfaServiceDefinition, token),
    passkeys: (token) =>
      token === undefined
        ? callers.asUser(PasskeyServiceDefinition)
        : callers.withToken(PasskeyServiceDefinition, token),
    consentsWith: (token) => callers.withToken(ConsentServiceDefinition, token),
    apiKeys: (token) =>
      token === undefined ? callers.asUser(ApiKeyServiceDefinition) : callers.withToken(ApiKeyServiceDefinition, token),
    internal: (service) => callers.asService(AuthInternalServiceDefinition, service),
    internalWithToken: (token) => callers.withToken(AuthInternalServiceDefinition, token),
    adminWithToken: (token) => callers.withToken(AdminServiceDefinition, token),
    operator: (name = 'operator') => callers.asService(AdminInternalServiceDefinition, name),
  };
}
