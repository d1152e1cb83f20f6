/**
 * Makes calls from wherever it is run, as whoever the network there says: `node call.ts` in a pod's namespace is that pod. Reads a list of calls as
 * JSON, and prints how each ended.
 */
import { request } from 'node:http';
import { json, text } from 'node:stream/consumers';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { Call, Ending } from './pods.ts';

const timeoutMs = 8_000;
const atOnce = 8;
const shownCharacters = 200;

const calls = (await json(process.stdin)) as Call[];
const endings: Ending[] = [];
const queue = calls.entries();
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    for (const [index, call] of queue)
      endings[index] = await (call.method === undefined ? sendRpc(call) : sendHttp(call));
  }),
);
process.stdout.write(JSON.stringify(endings));
process.exit(0);

function sendRpc({ address, authority, path, token, headers = {}, message = '' }: Call): Promise<Ending> {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.default_authority': authority });
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
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

function sendHttp({ address, authority, path, method, token, headers }: Call): Promise<Ending> {
  const [host, port] = address.split(':');
  const all = { host: authority, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers };
  return new Promise<Ending>((resolve) => {
    const failed = (error: Error): void => resolve({ code: 0, details: error.message, answer: '' });
    const options = { host, port, method, path, headers: all, agent: false, timeout: timeoutMs };
    const asked = request(options, (answer) => {
      text(answer).then(
        (body) => resolve({ code: answer.statusCode ?? 0, details: body.slice(0, shownCharacters), answer: '' }),
        failed,
      );
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    asked.on('error', failed);
    asked.end();
  });
}
