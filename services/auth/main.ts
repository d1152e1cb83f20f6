import { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { UserServiceDefinition } from '#gen/oxo/user/v1/user_service.ts';
import { systemClock as clock } from '#kit/clock.ts';
import { createDenyList } from '#kit/identity/deny-list.ts';
import { createServiceTokens } from '#kit/identity/service-token.ts';
import { runService } from '#kit/process/lifecycle.ts';
import { startChannel, startNats, startService, startVerifier } from '#kit/process/start.ts';
import { openOutbox, startDatabase } from '#kit/process/start-database.ts';
import { connectRedis } from '#kit/redis/redis.ts';
import { measureRedis } from '#kit/redis/redis-metrics.ts';
import { createPasswords } from './accounts/passwords.ts';
import { createAttempts } from './attempts/attempts.ts';
import { createCounters } from './attempts/counters.ts';
import { readConfig } from './config.ts';
import { startHttpServer } from './http/server.ts';
import { openDataVault } from './keys/data-vault.ts';
import { serveJwks } from './keys/jwks.ts';
import { measureKeys } from './keys/key-metrics.ts';
import { openKeyVault } from './keys/open-vault.ts';
import { createRewrapping } from './keys/rewrapping.ts';
import { createKeyRotation } from './keys/rotation.ts';
import { openSigningKeys } from './keys/signing-keys.ts';
import { openSmtp } from './mail/smtp.ts';
import { entities } from './schema.ts';
import { createAuthService } from './server.ts';
import { countingSecrets } from './tokens/service-secrets.ts';
import { createTokenIssuer } from './tokens/token-issuer.ts';

await runService({
  name: 'auth',
  readConfig,
  async start(context) {
    const { config, logger, metrics, onStop } = context;
    const { secretHashes, jwtIssuer, httpHost: host, httpPort: port } = config;
    const db = await startDatabase(context, entities);
    const vault = await openKeyVault(config.custody, clock);
    const keys = await openSigningKeys({ db, vault, clock });
    const dataVault = await openDataVault({ db, vault, clock });
    const http = await startHttpServer({ host, port, logger, metrics: context.metrics, clock });
    onStop('http server', http.close);
    serveJwks(http, keys.published);
    const nats = await startNats(context, 'auth');
    // This service knows the keys itself, so it needs neither its own JWKS nor its own RPC to have tokens.
    const denyList = createDenyList(clock);
    const verifier = await startVerifier(context, nats, {
      keys,
      denyList,
      secretCounts: countingSecrets(secretHashes),
    });
    const issuer = createTokenIssuer({ keys, issuer: jwtIssuer, clock });
    const tokens = createServiceTokens(() => issuer.serviceToken('auth'), clock, denyList);
    const users = startChannel(context, config.userAddress, tokens).client(UserInternalServiceDefinition);
    const people = startChannel(context, config.userAddress, undefined).client(UserServiceDefinition);
    const outbox = openOutbox(context, { name: 'auth', db, nats });
    const [publishedForMs, rotateAfterMs] = [config.keyPublishedForMs, config.keyRotateAfterMs];
    // Without it attempts are not limited, which is no reason to answer nobody: so it is not asked by /readyz.
    const redis = connectRedis(config.limitsRedisUrl, logger, measureRedis(metrics));
    onStop('redis of limits', redis.close);
    const { smtpUrl: url, from } = config.mail;
    const smtp = url === undefined ? undefined : openSmtp({ url, from });
    if (smtp === undefined) logger.warn('there is no SMTP server (MAIL_SMTP_URL): mails wait until there is one');
    else onStop('smtp', smtp.close);
    const { allowances, serviceSecret: secret } = config;
    const attempts = createAttempts({ counters: createCounters(redis), allowances, secret, metrics, clock, logger });
    const parts = { db, outbox, vault, keys, denyList, publishedForMs, rotateAfterMs, clock, logger };
    const own = {
      rotation: createKeyRotation(parts),
      rewrapping: createRewrapping(parts),
      dataVault,
      denyList,
      keys,
      issuer,
      secretHashes,
      attempts,
      passwords: await createPasswords(),
      oauth: { issuer: jwtIssuer, ...config.oauth },
      apiKeyTagSecrets: config.apiKeyTagSecrets,
      mailTokenSecrets: config.mailTokenSecrets,
      smtp,
      metrics,
    };
    // Written down before anybody is served: whoever reads the tables finds them as they stay.
    await own.rewrapping.encryptsSinceMs();
    measureKeys({ ...own, clock });
    const service = createAuthService({ db, outbox, users, people, ...own, clock, logger });
    service.serveHttp(http);
    await startService(context, { nats, verifier, outbox }, service);
  },
});
