import type { Language } from '../../i18n/language.ts';
import { en } from './en.ts';
import { vi } from './vi.ts';

/** All that the pages say in one language. A text that a language lacks does not compile. */
export type Texts = typeof en;

export const TEXTS: Readonly<Record<Language, Texts>> = { en, vi };
/** Each language by its own name. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', vi: 'Tiếng Việt' };

export function scopeText({ scopes }: Texts, scope: string): string {
  return Object.hasOwn(scopes, scope) ? scopes[scope as keyof typeof scopes] : scope;
}
