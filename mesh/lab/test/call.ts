/**
 * Calls RPCs from wherever it is run, as whoever the network there says: `node call.ts` in a pod's namespace is that pod. Reads a list of calls as
 * JSON, and prints how each ended.
 */
import { json } from 'node:stream/consumers';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { Call, Ending } from './pods.ts';

const timeoutMs = 8_000;
const atOnce = 8;

const calls = (await json(process.stdin)) as Call[];
const endings: Ending[] = [];
const queue = calls.entries();
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    for (const [index, call] of queue) endings[index] = await send(call);
  }),
);
process.stdout.write(JSON.stringify(endings));
process.exit(0);

function send({ address, authority, path, token, message = '' }: Call): Promise<Ending> {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.default_authority': authority });
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const same = (buffer: Buffer): Buffer => buffer;
  // A stream of answers, of which a single answer is the shortest.
  const stream = client.makeServerStreamRequest(`/${path}`, same, same, Buffer.from(message, 'base64'), metadata, {
    deadline: Date.now() + timeoutMs,
  });
  let answer = '';
  return new Promise<Ending>((resolve) => {
    stream.on('data', (data: Buffer) => {
      if (answer === '') answer = data.toString('base64');
    });
    stream.on('error', () => {});
    stream.on('status', ({ code, details }) => resolve({ code, details, answer }));
  }).finally(() => client.close());
}
