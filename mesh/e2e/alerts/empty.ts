/** Queries that have nothing to return while all is well, each with the reason. Whatever is not here must return data. */

/** Of panels. */
export const emptyAtRest: ReadonlyMap<string, string> = new Map([
  ['ALERTS{alertstate="firing"}', 'lists alerts, of which none fires'],
  ['count by (job, dependency) (oxo_dependency_up == 0)', 'lists what cannot be reached, of which there is nothing'],
  ...['user', 'post', 'feed'].map(
    (job) =>
      [
        `topk(15, sum by (reason) (rate(oxo_rpc_refusals_total{job="${job}"}[10s])))`,
        'nobody asks for what is refused',
      ] as const,
  ),
]);

/** Of alerts: series that begin with the first failure, or need what one machine has not. */
export const emptyUntilBroken: ReadonlyMap<string, string> = new Map([
  // Envoy makes this counter when it counts for the first time.
  ['envoy_cluster_ratelimit_failure_mode_allowed', 'after the first failure'],
]);
