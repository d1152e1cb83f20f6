/** What the front door's pod runs before Envoy: makes Envoy's configuration, and the files that it answers with. `node main.ts FOLDER` */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '#kit/observability/logger.ts';
import { ConfigError } from '#kit/process/config.ts';
import { renderGateway } from './render.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node mesh/kubernetes/gateway/main.ts FOLDER');
try {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'envoy.yaml'), renderGateway(process.env, folder));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  createLogger({ service: 'gateway' }).fatal({ problems: error.problems }, 'bad configuration');
  process.exitCode = 1;
}
