/** A time limit for promises that have none of their own. */

/** Settles as the promise does, or rejects with `message` after `timeoutMs`. What the promise stands for is not stopped. */
export async function withTimeLimit<T>(promise: Promise<T> | T, timeoutMs: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeLimitError(message)), timeoutMs);
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** What was waited for took too long. */
export class TimeLimitError extends Error {
  override name = 'TimeLimitError';
}
