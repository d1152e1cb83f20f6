/** Secrets are replaced by the stack that has them; in a cluster that is Vault. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../cli/cli-error.ts';
import { readLiveState } from '../supervisor/state.ts';

const runbook = 'mesh/kubernetes/runbooks/rotate-keys.md';

/**
 * Whoever replaces secrets that nobody reads must not be told that they are new: the operator's pod of a cluster has a state folder too
 * (mesh/kubernetes/base/operator.yaml), in which other commands make some.
 * @throws CliError when there is no stack of its own in this folder
 */
export function requireOwnStack({ stateDir }: { readonly stateDir: string }, env: NodeJS.ProcessEnv): void {
  if (readLiveState(stateDir) !== undefined) return;
  if (env.AUTH_GRPC_ADDRESS && env.OPERATOR_SECRET) {
    throw new CliError('there is no stack here: this is a cluster, whose secrets lie in Vault', {
      advice: [`${runbook} says how they are replaced there`],
    });
  }
  if (existsSync(join(stateDir, 'secrets.json'))) return;
  throw new CliError(`there is no stack in ${stateDir}, so there are no secrets to replace`, {
    advice: ['./oxo up makes one; OXO_STATE_DIR says where another is', `In a cluster: ${runbook}`],
  });
}
