/** The languages of pages and mails. */
export const LANGUAGES = ['en', 'vi'] as const;
export type Language = (typeof LANGUAGES)[number];

/** What is spoken to whoever asks for neither. */
export const DEFAULT_LANGUAGE: Language = 'en';
const MAX_HEADER_CHARACTERS = 256;

/** The language that a tag of BCP 47 stands for, such as `vi-VN`; undefined when it is none of ours. */
export function languageOfTag(tag: string): Language | undefined {
  const [primary] = tag.trim().toLowerCase().split('-');
  return LANGUAGES.find((language) => language === primary);
}

/**
 * What the header Accept-Language (RFC 9110) prefers among our languages.
 * @returns undefined when none of them is accepted
 */
export function languageAccepted(header: string): Language | undefined {
  const ranges = header
    .slice(0, MAX_HEADER_CHARACTERS)
    .split(',')
    .map((range) => {
      const [tag = '', ...parameters] = range.split(';').map((part) => part.trim());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return { tag, weight: weight === undefined ? 1 : Number(weight) };
    });
  const accepted = ranges.filter(({ weight }) => weight > 0 && weight <= 1).toSorted((a, b) => b.weight - a.weight);
  for (const { tag } of accepted) {
    const language = tag === '*' ? DEFAULT_LANGUAGE : languageOfTag(tag);
    if (language !== undefined) return language;
  }
  return undefined;
}
