import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { unknownId } from '../refusals/refused.ts';
import { formOf, kindOf } from './fields.ts';
import type { Marks } from './marks.ts';

/** JSON of a request. */
export type Fields = Readonly<Record<string, unknown>>;

/** What stands for the texts that may be seen, by name. */
const plain: Readonly<Record<string, string>> = {
  ...{ locale: 'en', scopes: 'feed:read', transports: 'usb', etag: '"x"', replaced: 'feed', type: 'public-key' },
};

export function isText(field: DescField): boolean {
  return (
    (field.fieldKind === 'scalar' && isTextual(field.scalar)) ||
    (field.fieldKind === 'list' && field.listKind === 'scalar' && isTextual(field.scalar)) ||
    (field.fieldKind === 'map' && field.mapKind === 'scalar' && isTextual(field.scalar))
  );
}

const isTextual = (scalar: ScalarType): boolean => scalar === ScalarType.STRING || scalar === ScalarType.BYTES;

/** A well formed request of the message, marked wherever a text of it is secret or personal. */
export function markedRequest(message: DescMessage, marks: Marks, where: string): Fields {
  const fields = message.fields.filter(
    ({ oneof, ...field }) => oneof === undefined || oneof.fields.at(-1)?.name === field.name,
  );
  const entries = fields.flatMap((field): [string, unknown][] => {
    const value = fieldValue(message, field, marks, where);
    return value === undefined ? [] : [[field.jsonName, value]];
  });
  return Object.fromEntries(entries);
}

function fieldValue(message: DescMessage, field: DescField, marks: Marks, where: string): unknown {
  const inner = field.fieldKind === 'message' || field.fieldKind === 'list' ? field.message : undefined;
  const isList = field.fieldKind === 'list';
  const one = (): unknown => {
    if (inner !== undefined) {
      return inner.typeName.startsWith('google.') ? undefined : markedRequest(inner, marks, where);
    }
    return isText(field) ? textOf(message, field, marks, where) : undefined;
  };
  const value = one();
  return isList && value !== undefined ? [value] : value;
}

/** @throws Error for a field of which nobody has said what it is */
function textOf(message: DescMessage, { jsonName }: DescField, marks: Marks, where: string): string {
  const kind = kindOf(message.name, jsonName);
  if (kind === undefined) throw new Error(`say in mesh/e2e/privacy/fields.ts what ${message.name}.${jsonName} is`);
  if (kind === 'plain') return plain[jsonName] ?? unknownId;
  return formOf(jsonName, marks.make(`${where}.${jsonName}`));
}

/** All messages that a message is made of, without those of libraries. */
export function messagesOf(message: DescMessage, known = new Set<DescMessage>()): ReadonlySet<DescMessage> {
  if (known.has(message) || message.typeName.startsWith('google.')) return known;
  known.add(message);
  for (const field of message.fields) if (field.message !== undefined) messagesOf(field.message, known);
  return known;
}
