import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { TsProtoServiceDefinition } from 'nice-grpc';

/** Stands for a request that is no such message, until the middleware has found out who sent it and answers. */
export const MALFORMED_REQUEST: object = Object.freeze({});

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const decodeUtf8 = (bytes: Uint8Array): string => utf8.decode(bytes);

/**
 * The same contract for a server that reads requests strictly: text that is no UTF-8 is refused instead of mended, and what
 * can't be read becomes MALFORMED_REQUEST. gRPC's own answer would be INTERNAL, without a reason, as if it were our fault.
 */
export function readStrictly<Service extends TsProtoServiceDefinition>(definition: Service): Service {
  const methods = Object.entries(definition.methods).map(([name, method]) => {
    const requestType = { ...method.requestType, decode: strictDecode(method.requestType.decode as unknown as Decode) };
    return [name, { ...method, requestType }] as const;
  });
  return { ...definition, methods: Object.fromEntries(methods) };
}

/** What ts-proto generates takes a reader too, which nice-grpc's type of it does not tell. */
type Decode = (input: BinaryReader) => object;

function strictDecode(decode: Decode): (bytes: Uint8Array) => object {
  return (bytes) => {
    try {
      return decode(new BinaryReader(bytes, decodeUtf8));
    } catch {
      return MALFORMED_REQUEST;
    }
  };
}
