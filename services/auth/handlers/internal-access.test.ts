import { after, before } from 'node:test';
import { AuthInternalServiceDefinition } from '#gen/oxo/auth/v1/auth_internal_service.ts';
import { asService } from '#kit/rpc/client.ts';
import { testInternalAccess } from '#kit/testing/internal-access-suite.ts';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ withUser: false });
});
after(() => service.close());

// IssueServiceToken is open: who asks for a token has none. Its secret is looked at in its own test.
const { issueServiceToken: _, ...methods } = AuthInternalServiceDefinition.methods;

testInternalAccess(
  { ...AuthInternalServiceDefinition, methods },
  {
    disableAccount: ['user'],
    dropServiceSecrets: ['operator'],
    rewrapSigningKeys: ['operator'],
    rotateSigningKeys: ['operator'],
  },
  () => ({
    issuer: { userToken: async () => (await service.signIn()).accessToken },
    internal: service.internal,
    internalWithToken: service.internalWithToken,
    onBehalfOf: async () => asService({ requestId: 'r1' }),
  }),
);
