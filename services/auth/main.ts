import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { repeat } from '#kit/background.ts';
import { MINUTE_MS, SECOND_MS, systemClock } from '#kit/clock.ts';
import { createDenyList } from '#kit/identity/deny-list.ts';
import { createServiceTokens } from '#kit/identity/service-token.ts';
import { runService } from '#kit/lifecycle.ts';
import { startChannel, startDatabase, startNats, startOutbox, startServer, startVerifier } from '#kit/start.ts';
import { createAccounts } from './accounts/accounts.ts';
import { createPasswords } from './accounts/passwords.ts';
import { createPendingSweep } from './accounts/pending-sweep.ts';
import { createProfiles } from './accounts/profiles.ts';
import { readConfig } from './config.ts';
import { startJwksServer } from './keys/jwks-server.ts';
import { openLocalVault } from './keys/local-vault.ts';
import { openSigningKeys } from './keys/signing-keys.ts';
import { entities } from './schema.ts';
import { addAuthServices } from './server.ts';
import { createSessions } from './sessions/sessions.ts';
import { createTokenIssuer } from './tokens/token-issuer.ts';

const clock = systemClock;

await runService({
  name: 'auth',
  readConfig,
  async start(context) {
    const { config, logger, onStop } = context;
    const db = await startDatabase(context, entities);
    const keys = await openSigningKeys({ db, vault: await openLocalVault(config.keyEncryptionKey), clock });
    const jwks = await startJwksServer({
      host: config.httpHost,
      port: config.httpPort,
      published: keys.published,
      logger,
    });
    onStop('jwks server', jwks.close);
    const issuer = createTokenIssuer({ keys, issuer: config.jwtIssuer, clock });
    const nats = await startNats(context, 'auth');
    const denyList = createDenyList(clock);
    const verifier = await startVerifier(context, nats, { keys: keys.find, denyList });
    const tokens = createServiceTokens(() => issuer.serviceToken('auth'), clock);
    const users = startChannel(context, config.userAddress, tokens).client(UserInternalServiceDefinition);
    const outbox = startOutbox(context, { name: 'auth', db, nats, effects: [] });
    const sessions = createSessions({ db, outbox, denyList, clock });
    const [accounts, profiles] = [createAccounts(db, clock), createProfiles(users)];
    const passwords = await createPasswords();
    const { secretHashes } = config;
    await startServer(context, verifier, (server) =>
      addAuthServices(server, { accounts, passwords, profiles, sessions, issuer, secretHashes, clock, logger }),
    );
    const sweep = createPendingSweep({ accounts, profiles, clock, logger });
    onStop('sweep of registrations', repeat('pending registrations', 30 * SECOND_MS, sweep, logger));
    onStop('reload of keys', repeat('reload of keys', MINUTE_MS, keys.reload, logger));
    onStop('clean-up of sessions', repeat('expired sessions', 5 * MINUTE_MS, sessions.cleanUp, logger));
    onStop('clean-up of keys', repeat('expired keys', 5 * MINUTE_MS, keys.dropExpired, logger));
  },
});
