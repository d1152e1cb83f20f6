import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../local/cli/cli-error.ts';
import { ApiError } from '../api/client.ts';
import type { PodStatus } from '../api/types.ts';
import type { PodContext } from './context.ts';

/** Brings the status of one pod to the API server: the newest, one write at a time. */
export type StatusWriter = {
  /** Soon. */
  readonly write: () => void;
  /** Resolves when what is true now is written, or can't be. */
  readonly flush: () => Promise<void>;
  /** The pod as a whole has failed. */
  readonly fail: (reason: string, message: string) => void;
  readonly stop: () => void;
};

const pauseMs = 50;
const retryMs = 500;
const maxAttempts = 20;

/** @param make the status as it is now; conditions that stay keep their time */
export function createStatusWriter(
  { api, say }: Pick<PodContext, 'api' | 'say'>,
  path: string,
  uid: string,
  make: (before: NonNullable<PodStatus['conditions']>, nowIso: string) => PodStatus,
): StatusWriter {
  let conditions: NonNullable<PodStatus['conditions']> = [];
  let writing: Promise<void> | undefined;
  let isStale = false;
  let isStopped = false;
  let failure: Pick<PodStatus, 'reason' | 'message'> | undefined;

  const writeOnce = async (): Promise<void> => {
    const made = make(conditions, new Date().toISOString().replace(/\.\d+Z$/, 'Z'));
    const status = failure === undefined ? made : { ...made, ...failure, phase: 'Failed' as const };
    conditions = status.conditions ?? [];
    for (let attempt = 1; attempt <= maxAttempts && !isStopped; attempt += 1) {
      try {
        await api.merge(`${path}/status`, { metadata: { uid }, status });
        return;
      } catch (error) {
        // It is gone, or another one has its name: nobody asks any more.
        if (error instanceof ApiError && (error.status === 404 || error.status === 409)) return;
        if (attempt === maxAttempts) say(`the status of ${path} can't be written: ${messageOf(error)}`);
        await delay(retryMs, undefined, { ref: false });
      }
    }
  };
  const loop = async (): Promise<void> => {
    while (isStale && !isStopped) {
      await delay(pauseMs, undefined, { ref: false });
      isStale = false;
      await writeOnce();
    }
    writing = undefined;
  };
  const write = (): void => {
    isStale = true;
    writing ??= loop();
  };
  return {
    write,
    flush: async () => {
      write();
      await writing;
    },
    fail: (reason, message) => {
      failure = { reason, message };
      write();
    },
    stop: () => {
      isStopped = true;
    },
  };
}
