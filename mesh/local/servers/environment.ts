/** Set by `./oxo test`, which finds by it what a test left running. */
export const testRunVariable = 'OXO_TEST_RUN';

/** In the environment of every process of a stack: its state folder, so that they are found without the state file. */
export const stackVariable = 'OXO_STACK';
/** In the environment of a stack's supervisor: its state folder. */
export const supervisorVariable = 'OXO_SUPERVISOR_OF';
/** Beside stackVariable: name and stop signal, `postgres:SIGINT`. */
export const processVariable = 'OXO_PROCESS';

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
