/** What user agents contain, in the order in which it is looked for: each browser also names those that it is like. */
const BROWSERS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bcoc_coc_browser\//, 'Cốc Cốc'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(Chrome|HeadlessChrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
  [/^curl\//, 'curl'],
];
const SYSTEMS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\bAndroid\b/, 'Android'],
  [/\b(iPhone|iPod)\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];
const MAX_CHARACTERS = 80;

/**
 * What a device calls itself, such as `Firefox · Linux`: names that we know and nothing else, since whoever signs in may send any text.
 * @returns empty when it is none of them
 */
export function knownDeviceName(userAgent: string): string {
  const names = [BROWSERS, SYSTEMS].map((known) => known.find(([pattern]) => pattern.test(userAgent))?.[1]);
  return names.filter((name) => name !== undefined).join(' · ');
}

/**
 * The same for a page, which may show what was typed: this is a help for its owner and no proof.
 * @returns what the device says where nothing is known of it; undefined when it says nothing
 */
export function deviceName(userAgent: string): string | undefined {
  const text = knownDeviceName(userAgent) || userAgent.trim().slice(0, MAX_CHARACTERS);
  return text === '' ? undefined : text;
}
