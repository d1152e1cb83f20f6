/** Whether Prometheus has what dashboards, rules and alerts ask for. */
import { z } from 'zod';
import { fetchPrometheus } from '../../local/observability/prometheus-client.ts';
import { dashboardQueries } from '../../observability/dashboards/dashboards.ts';
import { exporters } from '../../observability/lint/exporters.ts';
import { namedIn } from '../../observability/lint/promql.ts';
import { alertsOf, readRuleFiles, recordingsOf } from '../../observability/rules/read.ts';

/** One that must give something back. */
export type Question = { readonly where: string; readonly expr: string };

/** Who tells it runs in a cluster alone. */
const inCluster = exporters.filter(({ place }) => place === 'cluster');
const clusterMetrics = new Set(inCluster.flatMap(({ metrics }) => Object.keys(metrics)));
const timeoutMs = 10_000;

const isOfCluster = (expr: string): boolean =>
  namedIn(expr).selectors.every(({ metric }) => clusterMetrics.has(metric)) && /[a-z]/.test(expr);

/** What panels ask for, of those that one machine has. @param window of their rates */
export function panelQuestions(window: string): Question[] {
  return dashboardQueries(window)
    .filter(({ place, expr }) => place === 'everywhere' && !isOfCluster(expr))
    .map(({ dashboard, panel, expr }) => ({ where: `${dashboard} / ${panel}`, expr }));
}

/** What is recorded. */
export function recordingQuestions(): Question[] {
  return recordingsOf(readRuleFiles()).map(({ record, labels = {} }) => {
    const matchers = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
    return { where: 'recording rules', expr: `${record}{${matchers.join(',')}}` };
  });
}

/** What alerts look at: each series that they name. Their conditions themselves give nothing back while all is well. */
export function alertQuestions(): Question[] {
  return alertsOf(readRuleFiles()).flatMap(({ alert, expr }) =>
    namedIn(expr)
      .selectors.filter(({ metric }) => !clusterMetrics.has(metric))
      .map(({ text }) => ({ where: `alert ${alert}`, expr: text })),
  );
}

/** Each question of a kind once. */
export function distinct(questions: readonly Question[]): Question[] {
  return [...new Map(questions.map((one) => [one.expr, one])).values()];
}

const answerSchema = z.object({
  status: z.string(),
  error: z.string().optional(),
  data: z.object({ result: z.array(z.unknown()) }).optional(),
});

/** Those that Prometheus has no answer to now. @throws Error when it does not take one */
export async function unanswered(prometheus: string, questions: readonly Question[]): Promise<Question[]> {
  const missing: Question[] = [];
  for (const question of questions) {
    const response = await fetchPrometheus(prometheus, '/api/v1/query', {
      method: 'POST',
      body: new URLSearchParams({ query: question.expr }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { status, error, data } = answerSchema.parse(await response.json());
    if (status !== 'success') throw new Error(`${question.where}: ${error}`);
    if (data?.result.length === 0) missing.push(question);
  }
  return missing;
}
