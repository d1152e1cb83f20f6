import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { commentOf } from './comments.ts';

/** A JSON Schema (2020-12), as OpenAPI 3.1 uses it. */
export type Schema = Record<string, unknown>;

/**
 * Which way a message goes. Responses hold every primitive field (the transcoder prints them all) and nothing else;
 * of requests any field may be left out.
 */
export type Direction = 'request' | 'response';

/** Collects the schemas of components.schemas. */
export interface SchemaSet {
  /** Schemas so far, by component name. */
  readonly components: ReadonlyMap<string, Schema>;
  /** A reference to the schema of a message, which is added when it is new. */
  message(message: DescMessage, direction: Direction, leaveOut?: ReadonlySet<string>): Schema;
  /** The schema of the value of a field, with the field's comment. */
  field(field: DescField, direction: Direction): Schema;
}

const WELL_KNOWN: Readonly<Record<string, Schema>> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Duration': { type: 'string', pattern: '^-?\\d+(\\.\\d{1,9})?s$' },
  'google.protobuf.FieldMask': { type: 'string' },
  'google.protobuf.Struct': { type: 'object' },
  'google.protobuf.Value': {},
  'google.protobuf.ListValue': { type: 'array', items: {} },
  'google.protobuf.Empty': { type: 'object' },
};

export function createSchemaSet(): SchemaSet {
  const components = new Map<string, Schema>();
  const origins = new Map<string, string>();

  function reference(name: string, origin: string, make: () => Schema): Schema {
    const known = origins.get(name);
    if (known !== undefined && known !== origin) throw new Error(`${known} and ${origin} are both called ${name}`);
    if (known === undefined) {
      origins.set(name, origin);
      components.set(name, make());
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  function message(desc: DescMessage, direction: Direction, leaveOut: ReadonlySet<string> = new Set()): Schema {
    const wellKnown = WELL_KNOWN[desc.typeName];
    if (wellKnown !== undefined) return wellKnown;
    const isRequest = desc.name.endsWith('Request');
    const name = localName(desc) + (direction === 'request' && !isRequest ? 'Input' : '');
    return reference(name, `${desc.typeName} as ${direction}`, () => {
      const fields = desc.fields.filter((candidate) => !leaveOut.has(candidate.name));
      const required = direction === 'response' ? fields.filter(isAlwaysThere).map(({ jsonName }) => jsonName) : [];
      return {
        type: 'object',
        ...describe(commentOf(desc)),
        properties: Object.fromEntries(fields.map((candidate) => [candidate.jsonName, field(candidate, direction)])),
        ...(required.length > 0 ? { required } : {}),
        ...(direction === 'response' ? { additionalProperties: false } : {}),
      };
    });
  }

  function field(desc: DescField, direction: Direction): Schema {
    const schema = fieldValue(desc, direction);
    return { ...schema, ...describe(commentOf(desc)) };
  }

  function fieldValue(desc: DescField, direction: Direction): Schema {
    switch (desc.fieldKind) {
      case 'scalar':
        return scalar(desc.scalar);
      case 'enum':
        return enumeration(desc.enum);
      case 'message':
        return message(desc.message, direction);
      case 'list':
        return { type: 'array', items: element(desc, direction) };
      case 'map':
        return { type: 'object', additionalProperties: element(desc, direction) };
    }
  }

  function element(desc: DescField & { fieldKind: 'list' | 'map' }, direction: Direction): Schema {
    if (desc.message !== undefined) return message(desc.message, direction);
    if (desc.enum !== undefined) return enumeration(desc.enum);
    return scalar(desc.scalar);
  }

  function enumeration(desc: DescEnum): Schema {
    // Zero means absent: it is neither asked for nor shown.
    const names = desc.values.filter(({ number }) => number !== 0).map(({ name }) => name);
    return reference(localName(desc), desc.typeName, () => ({
      type: 'string',
      ...describe(commentOf(desc)),
      enum: names,
    }));
  }

  return { components, message, field };
}

/**
 * Whether a response always has the field: the transcoder prints primitive fields also when they have their default
 * value, and messages are there unless their comment says when they are absent.
 */
function isAlwaysThere(field: DescField): boolean {
  if (field.fieldKind === 'list' || field.fieldKind === 'map') return true;
  if (field.oneof !== undefined || field.proto.proto3Optional) return false;
  return field.fieldKind !== 'message' || !/\babsent\b/i.test(commentOf(field));
}

function scalar(type: ScalarType): Schema {
  switch (type) {
    case ScalarType.STRING:
      return { type: 'string' };
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.BYTES:
      return { type: 'string', contentEncoding: 'base64' };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: 'integer', format: 'int32' };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: 'integer', minimum: 0 };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return { type: 'string', pattern: '^-?\\d+$' };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: 'string', pattern: '^\\d+$' };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: 'number' };
  }
}

/** "Post.Visibility" of oxo.post.v1.Post.Visibility. */
function localName(desc: DescMessage | DescEnum): string {
  return desc.parent === undefined ? desc.name : `${localName(desc.parent)}.${desc.name}`;
}

function describe(comment: string): { description?: string } {
  return comment === '' ? {} : { description: comment };
}
