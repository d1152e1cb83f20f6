/** What a configuration of the collector must keep to, beside what the collector itself refuses. */

type Component = Readonly<Record<string, unknown>>;
type Components = Readonly<Record<string, Component>>;
type Pipeline = {
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
};

export type CollectorConfig = {
  readonly extensions: Components;
  readonly receivers: Components;
  readonly processors: Components;
  readonly exporters: Components;
  readonly service: { readonly extensions: readonly string[]; readonly pipelines: Readonly<Record<string, Pipeline>> };
};

/** Settings of each type that we use: what is not here is a slip of the pen, or new and to be looked up. */
const settings: Readonly<Record<string, readonly string[]>> = {
  health_check: ['endpoint'],
  file_storage: ['directory', 'create_directory'],
  otlp: ['protocols', 'endpoint', 'tls', 'timeout', 'sending_queue', 'retry_on_failure'],
  filelog: [
    ...['include', 'start_at', 'storage', 'include_file_path', 'max_log_size', 'retry_on_failure', 'operators'],
  ],
  memory_limiter: ['check_interval', 'limit_percentage', 'spike_limit_percentage'],
  redaction: ['allow_all_keys', 'blocked_key_patterns', 'blocked_values', 'summary'],
  tail_sampling: ['decision_wait', 'num_traces', 'expected_new_traces_per_sec', 'decision_cache', 'policies'],
  resource: ['attributes'],
  batch: ['send_batch_size', 'send_batch_max_size', 'timeout'],
  prometheusremotewrite: [
    ...['endpoint', 'timeout', 'resource_to_telemetry_conversion', 'remote_write_queue', 'retry_on_failure'],
  ],
  otlphttp: ['endpoint', 'timeout', 'sending_queue', 'retry_on_failure'],
};

/** Of the steps of filelog; each may have `id` and `if`. */
const operatorSettings: Readonly<Record<string, readonly string[]>> = {
  container: [],
  json_parser: ['parse_from', 'parse_to', 'on_error', 'trace'],
  severity_parser: ['parse_from', 'on_error'],
};

/** What is wrong; nothing when all is well. */
export function problemsOf(config: CollectorConfig): string[] {
  return [
    ...unknownSettings(config),
    ...unknownOperators(config),
    ...unconnected(config),
    ...unbounded(config),
    ...wrongOrder(config),
  ];
}

const kinds = ['extensions', 'receivers', 'processors', 'exporters'] as const;

function unknownSettings(config: CollectorConfig): string[] {
  return kinds.flatMap((kind) =>
    Object.entries(config[kind]).flatMap(([name, component]) => {
      const known = settings[name.split('/')[0] ?? ''];
      if (known === undefined) return [`${kind}: nothing is known of ${name}`];
      return Object.keys(component)
        .filter((key) => !known.includes(key))
        .map((key) => `${kind}: ${name} has no setting ${key}`);
    }),
  );
}

function unknownOperators({ receivers }: CollectorConfig): string[] {
  return Object.entries(receivers).flatMap(([name, { operators = [] }]) =>
    (operators as readonly Component[]).flatMap((operator) => {
      const known = operatorSettings[String(operator.type)];
      if (known === undefined) return [`${name}: nothing is known of ${operator.type}`];
      return Object.keys(operator)
        .filter((key) => !['type', 'id', 'if', ...known].includes(key))
        .map((key) => `${name}: ${operator.type} has no setting ${key}`);
    }),
  );
}

/** Components that a pipeline names and that there are not, and those that no pipeline has. */
function unconnected({ service, ...config }: CollectorConfig): string[] {
  const pipelines = Object.values(service.pipelines);
  return kinds.flatMap((kind) => {
    const used = kind === 'extensions' ? service.extensions : pipelines.flatMap((pipeline) => pipeline[kind]);
    const defined = Object.keys(config[kind]);
    return [
      ...used.filter((name) => !defined.includes(name)).map((name) => `${kind}: there is no ${name}`),
      ...defined.filter((name) => !used.includes(name)).map((name) => `${kind}: nothing uses ${name}`),
    ];
  });
}

/** Exporters that would keep without bound what they cannot send, or try for ever, or wait for ever. */
function unbounded({ exporters }: CollectorConfig): string[] {
  return Object.entries(exporters).flatMap(([name, exporter]) => {
    const queue = (exporter.sending_queue ?? exporter.remote_write_queue) as { queue_size?: number } | undefined;
    const retry = exporter.retry_on_failure as { max_elapsed_time?: string } | undefined;
    return [
      ...((queue?.queue_size ?? 0) > 0 ? [] : [`${name}: its queue has no bound`]),
      ...(/^[1-9]\d*s$/.test(retry?.max_elapsed_time ?? '') ? [] : [`${name}: it tries for ever`]),
      ...(typeof exporter.timeout === 'string' ? [] : [`${name}: it waits for ever`]),
    ];
  });
}

/** Memory is guarded before anything costs, secrets go before anything keeps, and what is sent is sent together. */
function wrongOrder({ service }: CollectorConfig): string[] {
  return Object.entries(service.pipelines).flatMap(([name, { processors }]) => [
    ...(processors[0] === 'memory_limiter' ? [] : [`${name}: memory_limiter is not first`]),
    ...(processors[1] === 'redaction' ? [] : [`${name}: redaction is not second`]),
    ...(processors.at(-1) === 'batch' ? [] : [`${name}: batch is not last`]),
  ]);
}

export type Redaction = {
  readonly blocked_key_patterns: readonly string[];
  readonly blocked_values: readonly string[];
};

/** Whether an attribute would be masked. Patterns are of Go, where `(?i)` stands in front. */
export function isMasked(
  { blocked_key_patterns: keys, blocked_values: values }: Redaction,
  key: string,
  value: string,
): boolean {
  const matches = (pattern: string, text: string): boolean => {
    const plain = pattern.replace(/^\(\?i\)/, '');
    return new RegExp(plain, plain === pattern ? '' : 'i').test(text);
  };
  return keys.some((pattern) => matches(pattern, key)) || values.some((pattern) => matches(pattern, value));
}
