/** Bounds of buckets in queries: what is `le="5"` to Prometheus 2 is `le="5.0"` to Prometheus 3, whatever was exported. */

const MATCHER = /\ble\s*(=~|!~|!=|=)\s*"([^"]*)"/g;

/** Matchers of an expression that hold in one of the two alone. A whole number is asked for as `le=~"5([.]0)?"`. */
export function boundsOfOneVersion(expr: string): string[] {
  return [...expr.matchAll(MATCHER)].filter(([, sign = '', bound = '']) => !isOfBoth(sign, bound)).map(([all]) => all);
}

function isOfBoth(sign: string, bound: string): boolean {
  return sign.endsWith('~') ? /^\d+\(\[\.\]0\)\?$/.test(bound) : /^(\d*\.\d*[1-9]|\+Inf)$/.test(bound);
}
