import { create, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { internalRpcs, type NamedRpc, publicRpcs } from '../refusals/contracts.ts';
import { openStubs } from '../testing/stubs.ts';
import { endsItsCaller } from './public-calls.ts';
import { markedRequest } from './requests.ts';
import type { Teller } from './teller.ts';

const timeoutMs = 10_000;
const bytes = (value: Buffer): Buffer => value;

/** Every RPC by gRPC: rightly by whoever may call it, with tokens that are none, and with what is no message. */
export async function callEveryRpcByGrpc(
  teller: Teller,
  tokens: { readonly person: string; readonly admin: string },
): Promise<void> {
  const { stack } = teller.world;
  const door = openClient(new URL(stack.urls.frontDoor).host);
  const direct = Object.fromEntries(
    Object.entries(stack.urls.grpc).map(([name, address]) => [name, openClient(address)]),
  );
  const services = await tokensOfServices(teller);
  try {
    for (const rpc of publicRpcs) {
      const own = direct[serviceOf(rpc)] as Client;
      for (const client of [door, own])
        await callOddly(teller, client, rpc, endsItsCaller.has(rpc.name) ? undefined : tokenFor(rpc, tokens));
    }
    for (const rpc of internalRpcs) {
      const callers = rpc.access?.kind === 'internal' ? rpc.access.callers : [];
      const caller = services.get(callers[0] ?? '');
      await callOddly(teller, direct[serviceOf(rpc)] as Client, rpc, caller, tokens.person);
      await callOddly(teller, door, rpc, caller);
    }
  } finally {
    for (const client of [door, ...Object.values(direct)]) client.close();
  }
}

function tokenFor({ access }: NamedRpc, { person, admin }: { person: string; admin: string }): string {
  return access?.kind === 'signedIn' && access.scopes.includes('admin') ? admin : person;
}

function openClient(address: string): Client {
  return new Client(address, credentials.createInsecure());
}

/** Its package says who serves it; administration is a part of auth. */
function serviceOf({ method }: NamedRpc): string {
  const [, domain = ''] = method.parent.typeName.split('.');
  return domain === 'admin' ? 'auth' : domain;
}

async function callOddly(
  teller: Teller,
  client: Client,
  rpc: NamedRpc,
  token: string | undefined,
  onBehalfOf?: string,
): Promise<void> {
  const { marks } = teller;
  const path = `/${rpc.method.parent.typeName}/${rpc.name}`;
  const right = messageOf(teller, rpc);
  const mark = (what: string) => marks.make(`${rpc.name} by gRPC: ${what}`);
  await call(client, path, right, { authorization: `Bearer ${mark('Bearer')}` });
  await call(client, path, right, { authorization: `Bearer ${token}`, 'x-oxo-on-behalf-of': mark('on behalf of') });
  // A first field that is cut off, and a text that is no UTF-8.
  await call(client, path, Buffer.concat([Buffer.from([0x0a, 0x7f]), Buffer.from(mark('no message'))]), {});
  const text = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(mark('no UTF-8'))]);
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  await call(client, path, Buffer.concat([Buffer.from([0x0a, text.length]), text]), headers);
  const behalf: Record<string, string> = onBehalfOf === undefined ? {} : { 'x-oxo-on-behalf-of': onBehalfOf };
  await call(client, path, right, { ...headers, ...behalf });
}

function messageOf({ marks }: Teller, { name, method: { input } }: NamedRpc): Buffer {
  const json = markedRequest(input, marks, `${name} by gRPC`);
  // What is no value of an enum there is left out.
  return Buffer.from(
    toBinary(input, fromJson(input, json as JsonObject, { ignoreUnknownFields: true }) ?? create(input)),
  );
}

async function call(client: Client, path: string, message: Buffer, headers: Record<string, string>): Promise<void> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const stream = client.makeServerStreamRequest(path, bytes, bytes, message, metadata, {
    deadline: Date.now() + timeoutMs,
  });
  stream.on('data', () => undefined);
  stream.on('error', () => undefined);
  await new Promise((resolve) => stream.once('status', resolve));
}

async function tokensOfServices({ world, marks }: Teller): Promise<ReadonlyMap<string, string>> {
  const stubs = openStubs(world.stack);
  const { services, operator } = world.stack.secrets;
  const secrets: [string, string][] = [
    ...Object.entries(services).map(([name, { service }]): [string, string] => [name, service]),
    ['operator', operator],
  ];
  try {
    const tokens = new Map<string, string>();
    for (const [clientId, clientSecret] of secrets) {
      const { accessToken } = await stubs.authInternal.issueServiceToken({ clientId, clientSecret });
      marks.remember(`the token of ${clientId}`, accessToken);
      tokens.set(clientId, accessToken);
    }
    const wrong = { clientId: 'feed', clientSecret: marks.make('IssueServiceToken.clientSecret') };
    await stubs.authInternal.issueServiceToken(wrong).catch(() => undefined);
    return tokens;
  } finally {
    stubs.close();
  }
}
