import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileRegistry, type FileRegistry, fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { messageOf } from '../cli/cli-error.ts';
import { repositoryRoot } from '../settings.ts';

export type DecodedPayload = {
  readonly bytes: number;
  /** Full name of the message; undefined when no contract has one for the subject. */
  readonly type?: string;
  /** Canonical proto3 JSON. */
  readonly message?: JsonValue;
  /** Why there is none. */
  readonly problem?: string;
};

let registry: FileRegistry | undefined;

/** The payload of an event as JSON, by the contracts: `post.created` is the message PostCreated of a `*_events.proto`. */
export async function decodePayload(subject: string, payload: Uint8Array): Promise<DecodedPayload> {
  registry ??= await readContracts();
  const bytes = payload.length;
  const name = messageNameOf(subject);
  const files = [...registry.files].filter((file) => file.name.endsWith('_events'));
  const message = files.flatMap((file) => file.messages).find((candidate) => candidate.name === name);
  if (message === undefined) return { bytes, problem: `no contract has a message ${name}` };
  try {
    return { bytes, type: message.typeName, message: toJson(message, fromBinary(message, payload), { registry }) };
  } catch (error) {
    return { bytes, type: message.typeName, problem: `it is no ${message.typeName}: ${messageOf(error)}` };
  }
}

/** `api_key.revoked` → ApiKeyRevoked. */
export function messageNameOf(subject: string): string {
  return subject
    .split(/[._]/)
    .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
    .join('');
}

async function readContracts(): Promise<FileRegistry> {
  const descriptors = await readFile(join(repositoryRoot, 'gen/envoy/oxo.binpb'));
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
}
