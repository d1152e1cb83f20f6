import type { Dashboard, Row } from './model.ts';

const reads: Row = {
  title: 'Reading',
  panels: [
    {
      kind: 'number',
      title: 'Answered from the window',
      description:
        'Share of reads that Redis had the entries for; a page is one read, or more. The rest comes from Postgres, and costs ten times as much.',
      unit: 'percentunit',
      bad: 0.8,
      notGood: 0.95,
      lessIsWorse: true,
      queries: [{ expr: 'oxo:oxo_feed_reads_window:ratio_rate5m', legend: 'window' }],
    },
    {
      kind: 'number',
      title: 'Slowest hundredth',
      description: 'Time of GetFeed in its service, for 99 of 100. We promise 250 ms.',
      unit: 's',
      notGood: 0.1,
      bad: 0.25,
      queries: [
        {
          expr: 'max(job_rpc:oxo_rpc_server_duration_seconds:p99_rate5m{rpc="oxo.feed.v1.FeedService/GetFeed"})',
          legend: 'GetFeed',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Where entries come from',
      description:
        'Reads a second. window: Redis has it. rebuild: it had not, and was made anew. postgres: below the window, which holds 800 posts. A hill of rebuilds follows a flush or a failover.',
      unit: 'reqps',
      stacked: true,
      queries: [{ expr: 'source:oxo_feed_reads:rate5m', legend: '{{source}}' }],
    },
    {
      kind: 'lines',
      title: 'Time of a rebuild',
      description: 'How long it takes to make a window anew from Postgres.',
      unit: 's',
      bad: 1,
      queries: [
        {
          expr: 'histogram_quantile(0.5, sum by (le) (rate(oxo_feed_rebuild_duration_seconds_bucket[$__rate_interval])))',
          legend: '50 %',
        },
        {
          expr: 'histogram_quantile(0.99, sum by (le) (rate(oxo_feed_rebuild_duration_seconds_bucket[$__rate_interval])))',
          legend: '99 %',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Posts that were pulled',
      description:
        'Posts a second of authors with more than 10,000 followers, which are looked for when a feed is read.',
      unit: 'ops',
      queries: [{ expr: 'sum(rate(oxo_feed_pulled_posts_total[$__rate_interval]))', legend: 'posts' }],
    },
  ],
};

const fanOut: Row = {
  title: 'Fan-out',
  panels: [
    {
      kind: 'lines',
      title: 'From post to feed',
      description: 'From the event to the last insert. We promise that 99 of 100 take less than 5 seconds.',
      unit: 's',
      bad: 5,
      queries: [
        {
          expr: 'histogram_quantile(0.5, sum by (le) (rate(oxo_feed_fanout_duration_seconds_bucket[$__rate_interval])))',
          legend: '50 %',
        },
        { expr: 'oxo:oxo_feed_fanout_duration_seconds:p99_rate5m', legend: '99 %' },
      ],
    },
    {
      kind: 'lines',
      title: 'Inserts into feeds',
      description:
        'One post is as many inserts as its author has followers. 20,000 a second are what one machine should bear.',
      unit: 'ops',
      queries: [{ expr: 'sum(rate(oxo_feed_fanout_inserts_total[$__rate_interval]))', legend: 'inserts' }],
    },
    {
      kind: 'lines',
      title: 'Events that wait',
      description: 'Posts that the fan-out has not got yet, and those in its hands.',
      unit: 'short',
      bad: 1000,
      queries: [
        { expr: 'consumer:oxo_consumer_lag:max{consumer="feed-fanout"}', legend: 'waiting' },
        { expr: 'consumer:oxo_consumer_unacknowledged:max{consumer="feed-fanout"}', legend: 'in work' },
      ],
    },
    {
      kind: 'lines',
      title: 'Authors that change sides',
      description: 'Authors who come to have more followers than are pushed to, or fewer again.',
      unit: 'ops',
      queries: [
        {
          expr: 'sum by (direction) (rate(oxo_user_pull_crossings_total[$__rate_interval]))',
          legend: '{{direction}}',
        },
      ],
    },
    {
      kind: 'lines',
      title: 'Read models',
      description: 'Share of posts and authors that Redis had when a page was put together, by cache.',
      unit: 'percentunit',
      queries: [
        {
          expr: 'sum by (cache) (rate(oxo_cache_requests_total{job="feed",outcome="hit"}[$__rate_interval])) / (sum by (cache) (rate(oxo_cache_requests_total{job="feed"}[$__rate_interval])) > 0)',
          legend: '{{cache}}',
        },
      ],
    },
  ],
};

export const feed: Dashboard = {
  uid: 'oxo-feed',
  title: 'Feed',
  description: 'How feeds are read, and how posts come into them.',
  variables: [],
  rows: [reads, fanOut],
};
