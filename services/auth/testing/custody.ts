import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '#kit/db/database.ts';
import type { TestContext } from '#kit/testing/context.ts';
import { startHttpServer } from '../http/server.ts';
import { openDataVault } from '../keys/data-vault.ts';
import { serveJwks } from '../keys/jwks.ts';
import { openLocalVault } from '../keys/local-vault.ts';
import { createRewrapping } from '../keys/rewrapping.ts';
import { openSigningKeys } from '../keys/signing-keys.ts';

export const randomSecret = () => randomBytes(32).toString('base64');

/** The keys of a test's auth service, under a key-encryption key in a file of its own, and the HTTP server that shows the public ones. */
export async function startKeys(context: TestContext, db: Database) {
  const { clock, logger, metrics } = context;
  const folder = await mkdtemp(join(tmpdir(), 'oxo-test-'));
  context.onStop(() => rm(folder, { recursive: true }));
  const keyFile = join(folder, 'key-encryption-keys');
  await writeFile(keyFile, randomSecret());
  const vault = await openLocalVault({ file: keyFile });
  const keys = await openSigningKeys({ db, vault, clock });
  const dataVault = await openDataVault({ db, vault, clock });
  const http = await startHttpServer({ host: '127.0.0.1', port: 0, logger, metrics, clock });
  context.onStop(http.close);
  serveJwks(http, keys.published);
  return { vault, dataVault, keyFile, keys, http, rewrapping: createRewrapping({ db, vault, clock, logger }) };
}
