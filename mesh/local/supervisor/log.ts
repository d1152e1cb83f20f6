import { createLogger, type Logger } from '#kit/observability/logger.ts';

/**
 * What the supervisor says, in lines as those of services. On stderr, since a stack may also be started by a process that says other things on
 * stdout; and by console.error, which passes over a log that can't be written, as on a full disk.
 */
export const supervisorLog: Logger = createLogger({
  service: 'supervisor',
  destination: { write: (line) => console.error(line.trimEnd()) },
});

/** Says in a line of the log what nobody has caught, and ends the process with 1. */
export function endOnCrash(logger: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, event);
      process.exit(1);
    });
  }
}
