/** Queries that have nothing to return while all is well, each with the reason. Whatever is not here must return data. */

/** Of panels. */
export const emptyAtRest: ReadonlyMap<string, string> = new Map([
  ['ALERTS{alertstate="firing"} or vector(0) > 0', 'lists alerts, of which none fires'],
]);

/** Of alerts: series that begin with the first failure, or need what one machine has not. */
export const emptyUntilBroken: ReadonlyMap<string, string> = new Map([
  // Envoy makes this counter when it counts for the first time.
  ['envoy_cluster_ratelimit_failure_mode_allowed', 'after the first failure'],
]);
