import { stringify } from 'yaml';

/** One process that is asked for its metrics. */
export type ScrapeTarget = {
  /** What it is: auth, user, post, feed, gateway, ratelimit, postgres, redis, redis-limits, nats, node. */
  readonly job: string;
  /** Which of them: the name of the process. */
  readonly instance: string;
  /** host:port of who answers. */
  readonly address: string;
  /** `/metrics` when absent. */
  readonly path?: string;
  /** Of an exporter that looks at several servers: which one. */
  readonly params?: Readonly<Record<string, string>>;
};

const intervalSeconds = 5;
const timeoutSeconds = 4;
/** What is more is no metric of ours: the target fails, and is seen to. */
const limits = { sample_limit: 20_000, label_limit: 32, label_value_length_limit: 512, body_size_limit: '16MB' };

/** The configuration of Prometheus. @param ruleFiles absolute paths */
export function renderPrometheusConfig(targets: readonly ScrapeTarget[], ruleFiles: readonly string[] = []): string {
  const jobs = Map.groupBy(targets, ({ job }) => job);
  return stringify({
    global: {
      scrape_interval: `${intervalSeconds}s`,
      scrape_timeout: `${timeoutSeconds}s`,
      evaluation_interval: `${intervalSeconds}s`,
    },
    rule_files: [...ruleFiles],
    scrape_configs: [...jobs].map(([job, members]) => renderJob(job, members)),
  });
}

function renderJob(job: string, members: readonly ScrapeTarget[]): object {
  const { path, params = {} } = members[0] ?? {};
  return {
    job_name: job,
    ...(path === undefined ? {} : { metrics_path: path }),
    ...(Object.keys(params).length === 0
      ? {}
      : { params: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, [value]])) }),
    ...limits,
    static_configs: members.map(({ address, instance }) => ({ targets: [address], labels: { instance } })),
  };
}
