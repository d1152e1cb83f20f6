import { parseKeyRing } from '../../../../services/auth/keys/key-ring.ts';
import { CliError } from '../../cli/cli-error.ts';
import { createPhases } from '../../cli/terminal.ts';
import { withLock } from '../../machine/lock.ts';
import { changeSecrets, keyFileOf, loadSecrets, newKeyEncryptionKey } from '../../secrets.ts';
import type { StackPlan } from '../../stack/plan.ts';
import { askAuth } from './operator.ts';

const lockTimeoutMs = 2_000;

/**
 * Gives auth another key-encryption key. Each step can be repeated: after a kill -9 the next call goes on with the key that the
 * first one made, and until then auth has both.
 * @returns the exit code
 * @throws CliError when auth can't be asked, or a private key can't be decrypted; the former keys are kept then
 */
export function rotateKeyEncryptionKey(plan: StackPlan): Promise<number> {
  return withLock(`key-encryption key of ${plan.stateDir}`, lockTimeoutMs, async () => {
    const { step } = createPhases();
    const what = "the private keys can't be encrypted anew";
    await step('auth answers', () => askAuth(plan, what, (auth, options) => auth.rewrapSigningKeys({}, options)));
    await step('another key', async () => (addKey(plan.stateDir) ? '' : 'made by an earlier call that was cut off'));
    let keyId = '';
    await step('private keys', async () => {
      const answer = await askAuth(plan, what, (auth, options) => auth.rewrapSigningKeys({}, options));
      requireNew(plan, answer.keyId);
      requireNoneLeft(answer.leftKids);
      keyId = answer.keyId;
      return `${answer.rewrapped} encrypted anew`;
    });
    await step('former keys', async () => {
      changeSecrets(plan.stateDir, (secrets) => ({ ...secrets, formerKeyEncryptionKeys: [] }));
      return 'taken away';
    });
    console.log(
      `the key-encryption key ${keyId} encrypts from now on; a backup from before needs the secrets that it holds`,
    );
    return 0;
  });
}

/** @returns whether a key was made; none is while an earlier change is not done */
function addKey(stateDir: string): boolean {
  let added = false;
  changeSecrets(stateDir, (secrets) => {
    if (secrets.formerKeyEncryptionKeys.length > 0) return secrets;
    added = true;
    return { ...secrets, ...newKeyEncryptionKey(), formerKeyEncryptionKeys: [secrets.keyEncryptionKey] };
  });
  return added;
}

/** Auth may read its keys from somewhere else, as it did in an earlier version: then it needs what we would take away. */
function requireNew({ stateDir }: StackPlan, keyId: string): void {
  if (parseKeyRing(loadSecrets(stateDir, []).keyEncryptionKey, 'secrets.json').first === keyId) return;
  throw new CliError(`auth does not encrypt with the new key but with ${keyId}`, {
    advice: [`It must be started with KEY_ENCRYPTION_KEY_FILE=${keyFileOf(stateDir)}: ./oxo down, then ./oxo up.`],
  });
}

function requireNoneLeft(leftKids: readonly string[]): void {
  if (leftKids.length === 0) return;
  throw new CliError(`${leftKids.length} private keys can't be decrypted: ${leftKids.join(', ')}`, {
    advice: [
      'The former key-encryption keys are kept. ./oxo logs auth says why; a key that is retired is deleted by itself.',
    ],
  });
}
