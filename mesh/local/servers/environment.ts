/** Set by `./oxo test`, which finds by it what a test left running. */
export const testRunVariable = 'OXO_TEST_RUN';

/** The environment of a server: nothing of the caller's but where programs are. */
export function serverEnvironment(): Record<string, string> {
  const mark = process.env[testRunVariable];
  return {
    PATH: process.env.PATH ?? '',
    TZ: 'UTC',
    LC_ALL: 'C.UTF-8',
    ...(mark === undefined ? {} : { [testRunVariable]: mark }),
  };
}
