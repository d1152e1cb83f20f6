import type {
  DescEnum,
  DescEnumValue,
  DescField,
  DescFile,
  DescMessage,
  DescMethod,
  DescService,
} from '@bufbuild/protobuf';

export type Commented = DescService | DescMethod | DescMessage | DescField | DescEnum | DescEnumValue;

// Field numbers in descriptor.proto, of which the paths of source locations are made.
const FILE_MESSAGES = 4;
const FILE_ENUMS = 5;
const FILE_SERVICES = 6;
const SERVICE_METHODS = 2;
const MESSAGE_FIELDS = 2;
const MESSAGE_NESTED = 3;
const MESSAGE_ENUMS = 4;
const ENUM_VALUES = 2;

/**
 * The comment above a declaration, its lines joined into paragraphs; "" when there is none. Names of fields are written
 * as they are in JSON: next_page_token becomes nextPageToken.
 */
export function commentOf(desc: Commented): string {
  const path = pathOf(desc).join(',');
  const location = fileOf(desc).proto.sourceCodeInfo?.location.find((candidate) => candidate.path.join(',') === path);
  const text = (location?.leadingComments ?? '').trim();
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s*\n\s*/g, ' '))
    .join('\n\n')
    .replace(/\b[a-z]+(?:_[a-z]+)+\b/g, toJsonName);
}

/** The first sentence of a comment. */
export function firstSentence(text: string): string {
  return /^.*?[.!?](?=\s|$)/s.exec(text)?.[0].replace(/\.$/, '') ?? text;
}

function toJsonName(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function fileOf(desc: Commented): DescFile {
  if (desc.kind === 'field' || desc.kind === 'rpc' || desc.kind === 'enum_value') return desc.parent.file;
  return desc.file;
}

function pathOf(desc: Commented): number[] {
  switch (desc.kind) {
    case 'service':
      return [FILE_SERVICES, desc.file.services.indexOf(desc)];
    case 'rpc':
      return [...pathOf(desc.parent), SERVICE_METHODS, desc.parent.methods.indexOf(desc)];
    case 'enum_value':
      return [...pathOf(desc.parent), ENUM_VALUES, desc.parent.values.indexOf(desc)];
    case 'field':
      return [...pathOf(desc.parent), MESSAGE_FIELDS, desc.parent.fields.indexOf(desc)];
    case 'message':
      if (desc.parent === undefined) return [FILE_MESSAGES, desc.file.messages.indexOf(desc)];
      return [...pathOf(desc.parent), MESSAGE_NESTED, desc.parent.nestedMessages.indexOf(desc)];
    case 'enum':
      if (desc.parent === undefined) return [FILE_ENUMS, desc.file.enums.indexOf(desc)];
      return [...pathOf(desc.parent), MESSAGE_ENUMS, desc.parent.nestedEnums.indexOf(desc)];
  }
}
