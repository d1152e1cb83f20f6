/** All dashboards, and the files that are made of them. */
import { services } from '../../local/services.ts';
import { events } from './events.ts';
import { feed } from './feed.ts';
import { gateway } from './gateway.ts';
import { identity } from './identity.ts';
import { chartsOf, type Dashboard, type Place } from './model.ts';
import { nats } from './nats.ts';
import { overview } from './overview.ts';
import { postgres } from './postgres.ts';
import { redis } from './redis.ts';
import { renderDashboard } from './render.ts';
import { serviceDashboard } from './service.ts';

const does: Readonly<Record<string, string>> = {
  auth: 'Sign-up, sign-in, tokens, keys, apps of others and mails.',
  user: 'Profiles, and who follows whom.',
  post: 'Posts, and what became of them.',
  feed: 'The fan-out of posts, and the pages of feeds.',
};

export const dashboards: readonly Dashboard[] = [
  ...[overview, feed, events, identity, gateway, postgres, redis, nats],
  ...services.map(({ name, migrate }) =>
    serviceDashboard({
      name,
      does: does[name] ?? `Add a line of ${name} to mesh/observability/dashboards/dashboards.ts.`,
      hasDatabase: migrate !== undefined,
    }),
  ),
];

/** The files, by their names. */
export function renderDashboards(): Map<string, string> {
  return new Map(dashboards.map((dashboard) => [`${dashboard.uid}.json`, renderDashboard(dashboard)]));
}

/** What one asks Prometheus when looking at a panel. */
export type DashboardQuery = {
  readonly dashboard: string;
  readonly panel: string;
  readonly expr: string;
  readonly place: Place;
};

/**
 * Every query as Prometheus gets it when nothing is chosen.
 * @param window of rates, in the place of what Grafana makes of the width of a panel
 */
export function dashboardQueries(window = '5m'): DashboardQuery[] {
  return dashboards.flatMap((dashboard) =>
    chartsOf(dashboard).flatMap(({ title, queries }) =>
      queries.map(({ expr, place = 'everywhere' }) => ({
        ...{ dashboard: dashboard.title, panel: title, place },
        expr: dashboard.variables.reduce(
          (text, { name }) => text.replaceAll(`$${name}`, '.*'),
          expr.replaceAll('$__rate_interval', window),
        ),
      })),
    ),
  );
}
