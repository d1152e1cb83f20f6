/** Which of Envoy's own answers is meant, as its configuration says it. */

export function both(one: object, other: object): object {
  return { and_filter: { filters: [one, other] } };
}

/** Holds when Envoy's own explanation has one text and not the other. */
export function details(part: string, without?: string): object {
  const text = 'response.code_details';
  const unless = without === undefined ? '' : ` && !${text}.contains('${without}')`;
  return {
    extension_filter: {
      name: 'envoy.access_loggers.extension_filters.cel',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
        expression: `${text}.contains('${part}')${unless}`,
      },
    },
  };
}

export function status(op: 'EQ' | 'GE' | 'LE', value: number): object {
  return { status_code_filter: { comparison: { op, value: { default_value: value, runtime_key: 'oxo.none' } } } };
}

/** Holds when a header of the request is as `match` (a StringMatcher) says, or is not. */
export function header(name: string, match: object, isInverted = false): object {
  return { header_filter: { header: { name, string_match: match, ...(isInverted ? { invert_match: true } : {}) } } };
}
