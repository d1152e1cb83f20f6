import type { TsProtoServiceDefinition } from 'nice-grpc';
import type { RpcClient } from '#kit/rpc/client.ts';

/** A client whose calls are counted. */
export function counted<Service extends TsProtoServiceDefinition>(client: RpcClient<Service>) {
  let calls = 0;
  const counting = new Proxy(client, {
    get(target, name, receiver) {
      calls += 1;
      return Reflect.get(target, name, receiver);
    },
  });
  return { client: counting, calls: () => calls };
}
