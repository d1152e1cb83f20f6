import { randomBytes } from 'node:crypto';

/** Texts that must be seen nowhere, and where they are seen. */
export type Marks = {
  /** A text that nobody else writes, of small letters and digits, to be part of what is sent. @param what it stands for, as "Register.email" */
  readonly make: (what: string) => string;
  /** A value that the stack has made, such as a token. */
  readonly remember: (what: string, value: string) => void;
  /** What stands in a text, as "Login.password (base64)". */
  readonly seenIn: (text: string) => string[];
  readonly count: () => number;
};

const uniqueBytes = 6;
/** What is shorter, such as a code of six digits, counts where it stands alone. */
const minCharacters = 8;
const between = /[\s"',;{}[\]()<>]+/;

/** The forms in which a value may stand in what somebody else has written, by name. */
export function formsOf(value: string): [form: string, text: string][] {
  if (value.length < minCharacters) return [];
  const bytes = Buffer.from(value);
  const base64 = [0, 1, 2].map((offset) => base64At(bytes, offset));
  const all: [string, string][] = [
    ['as it is', value],
    ['URL-encoded', encodeURIComponent(value)],
    ['JSON-escaped', JSON.stringify(value).slice(1, -1)],
    ['hex', bytes.toString('hex')],
    ...base64.map((text): [string, string] => ['base64', text]),
    ...base64.map((text): [string, string] => ['base64url', text.replaceAll('+', '-').replaceAll('/', '_')]),
  ];
  return all.filter(([, text], index) => all.findIndex(([, other]) => other === text) === index);
}

/** How bytes stand in base64 after so many others, whatever follows. */
function base64At(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  const bits = (offset + bytes.length) * 8;
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(bits / 6));
}

export function createMarks(): Marks {
  // All begin alike, so that thousands are found by one search.
  const beginning = `zq${randomBytes(4).toString('hex')}`;
  const beginnings = formsOf(beginning);
  const made = new Map<string, string>();
  const remembered = new Map<string, string>();

  function madeIn(text: string): string[] {
    const lower = text.toLowerCase();
    return beginnings.flatMap(([form, needle]) => {
      const isText = form === 'as it is';
      const [hay, wanted] = isText || form === 'hex' ? [lower, needle.toLowerCase()] : [text, needle];
      if (!hay.includes(wanted)) return [];
      if (!isText) return [`a mark (${form})`];
      const found = hay.matchAll(new RegExp(`${wanted}[0-9a-f]{${uniqueBytes * 2}}`, 'g'));
      return [...found].map(([mark]) => made.get(mark) ?? 'a mark');
    });
  }

  /** Of what a machine writes most words stand in it many times, and are looked at once. */
  function rememberedIn(text: string): string[] {
    const words = new Set(text.split(between));
    const hay = [...words].join('\n');
    return [...remembered].flatMap(([value, what]) => {
      if (value.length < minCharacters) return words.has(value) ? [what] : [];
      return formsOf(value).flatMap(([form, needle]) => (hay.includes(needle) ? [`${what} (${form})`] : []));
    });
  }

  return {
    make(what) {
      const mark = `${beginning}${randomBytes(uniqueBytes).toString('hex')}`;
      made.set(mark, what);
      return mark;
    },
    remember: (what, value) => void remembered.set(value, what),
    seenIn: (text) => [...new Set([...madeIn(text), ...rememberedIn(text)])],
    count: () => made.size + remembered.size,
  };
}
