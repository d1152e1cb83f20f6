import type { TsProtoServiceDefinition } from 'nice-grpc';
import { newId } from '#kit/ids.ts';
import { asService, type Channel, openChannel, type RpcClient } from '#kit/rpc/client.ts';
import type { TestContext } from '#kit/testing/context.ts';

/** Who makes the tokens of callers: a test's issuer, or the auth service itself. */
export interface TokenSource {
  userToken(userId: string): Promise<string>;
  serviceToken(service: string): Promise<string>;
}

/** Calls one server as anybody. */
export interface Callers {
  /** host:port. */
  address: string;
  /** As this person, or as nobody. */
  asUser<Service extends TsProtoServiceDefinition>(definition: Service, userId?: string): RpcClient<Service>;
  /** As one of our services, or as nobody. */
  asService<Service extends TsProtoServiceDefinition>(definition: Service, service?: string): RpcClient<Service>;
  /** With a token as it is. */
  withToken<Service extends TsProtoServiceDefinition>(definition: Service, token: string): RpcClient<Service>;
  /** Options for a call that a service makes on behalf of this person. */
  onBehalfOf(userId: string): Promise<ReturnType<typeof asService>>;
}

/** @param address host:port */
export function createCallers(context: TestContext, address: string, tokens: TokenSource): Callers {
  const channels = new Map<string, Channel>();
  context.onStop(() => {
    for (const channel of channels.values()) channel.close();
  });

  /** One channel and one token for each caller. */
  function channel(name: string, makeToken: (() => Promise<string>) | undefined): Channel {
    let token: Promise<string> | undefined;
    const open = channels.get(name) ?? openChannel(address, makeToken && (() => (token ??= makeToken())));
    channels.set(name, open);
    return open;
  }
  const nobody = () => channel('nobody', undefined);

  return {
    address,
    asUser: (definition, userId) =>
      (userId === undefined ? nobody() : channel(`user ${userId}`, () => tokens.userToken(userId))).client(definition),
    asService: (definition, service) =>
      (service === undefined ? nobody() : channel(`service ${service}`, () => tokens.serviceToken(service))).client(
        definition,
      ),
    withToken: (definition, token) => channel(`token ${token}`, async () => token).client(definition),
    async onBehalfOf(userId) {
      const options = asService({ requestId: newId(context.clock.nowMs()) });
      options.metadata?.set('x-oxo-on-behalf-of', await tokens.userToken(userId));
      return options;
    },
  };
}
