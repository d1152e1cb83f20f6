import { type DescField, type DescMessage, type FileRegistry, ScalarType } from '@bufbuild/protobuf';
import { isInternal, ourServices, rpcsOf } from './contracts.ts';
import { type ExampleValues, exampleValues, type Json } from './example-values.ts';

/** What stands for a time that has no value of its own. */
const TIME = '2026-11-27T09:30:00Z';
const MAX_DEPTH = 8;

/** Examples of messages, put together of the values of their fields. */
export interface Examples {
  /** @param leaveOut fields by their names in the contract, such as those that stand in the path */
  message(message: DescMessage, leaveOut?: ReadonlySet<string>): Json;
  /** Of one field; undefined when examples leave it out. */
  field(field: DescField): Json | undefined;
  /** Fields without a value, as "Message.field". */
  missing(): readonly string[];
}

export function createExamples(values: ExampleValues = exampleValues): Examples {
  const missing = new Set<string>();

  function message(desc: DescMessage, leaveOut: ReadonlySet<string> = new Set(), depth = 0): Json {
    if (depth > MAX_DEPTH)
      throw new Error(`${desc.typeName} holds itself: give its field a value in example-values.ts`);
    const shown = desc.fields.filter((candidate) => !leaveOut.has(candidate.name) && isFirstOfChoice(candidate));
    const entries = shown.map((candidate) => [candidate.jsonName, field(candidate, depth)] as const);
    return Object.fromEntries(entries.filter((entry): entry is [string, Json] => entry[1] !== undefined));
  }

  function field(desc: DescField, depth = 0): Json | undefined {
    const own = `${desc.parent.name}.${desc.jsonName}`;
    for (const key of [own, desc.jsonName]) {
      if (Object.hasOwn(values, key)) return values[key];
    }
    const made = madeOf(desc, depth);
    if (made === undefined) missing.add(own);
    return desc.fieldKind === 'list' && made !== undefined ? [made] : made;
  }

  /** What needs no value in the table; undefined when it does. */
  function madeOf(desc: DescField, depth: number): Json | undefined {
    if (desc.fieldKind === 'map') return undefined;
    if (desc.message?.typeName === 'google.protobuf.Timestamp') return TIME;
    if (desc.message !== undefined) {
      return desc.message.typeName.startsWith('google.') ? undefined : message(desc.message, new Set(), depth + 1);
    }
    if (desc.enum !== undefined) return desc.enum.values.find(({ number }) => number !== 0)?.name;
    return desc.scalar === ScalarType.BOOL ? false : undefined;
  }

  return {
    message: (desc, leaveOut) => message(desc, leaveOut),
    field: (desc) => field(desc),
    missing: () => [...missing].sort(),
  };
}

/** What the examples of the public RPCs lack; each says where to write it. */
export function missingExamples(registry: FileRegistry, values: ExampleValues = exampleValues): string[] {
  const examples = createExamples(values);
  for (const service of ourServices(registry).filter((candidate) => !isInternal(candidate))) {
    for (const { method, http } of rpcsOf(registry, service)) {
      for (const { path, body } of http) {
        const inPath = new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name));
        for (const one of method.input.fields) if (inPath.has(one.name)) examples.field(one);
        if (body !== '') examples.message(method.input, inPath);
      }
      examples.message(method.output);
    }
  }
  return examples
    .missing()
    .map((name) => `${name}: has no example: give it, or its name, a value in mesh/local/openapi/example-values.ts`);
}

/** Of a oneof the first is shown. */
function isFirstOfChoice(field: DescField): boolean {
  return field.oneof === undefined || field.oneof.fields[0] === field;
}
