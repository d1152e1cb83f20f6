/** The process that makes the load: its CPU time is nobody else's. It ends with its parent. */
import { type LoadJob, runLoad } from './closed-loop.ts';

process.on('message', ({ number, job }: { number: number; job: LoadJob }) => {
  runLoad(job).then(
    (result) => process.send?.({ number, result }),
    (error: unknown) => process.send?.({ number, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
// Ctrl-C goes to the whole group; the parent decides when this process ends.
process.on('SIGINT', () => {});
