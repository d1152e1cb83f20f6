/** The same work, asked for by many at once. Whoever calls while a run is under way gets its outcome; the first call after it begins another. */
export function sharedRuns<Value>(run: () => Promise<Value>): () => Promise<Value> {
  let running: Promise<Value> | undefined;
  return () => {
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  };
}
