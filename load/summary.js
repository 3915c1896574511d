// The results of a run, as a table at its end.

export function handleSummary(data) {
  const seconds = data.state.testRunDurationMs / 1000;
  const count = (name) => values(data, name).count || 0;
  const answers = count('llm_answers');
  const tokens = count('llm_tokens');
  const line = (name, text) => `  ${name.padEnd(22)} ${text}`;
  const rows = [
    '',
    line('goodput', `${(answers / seconds).toFixed(2)} answers/s (${answers} in ${seconds.toFixed(1)} s)`),
    line('tokens', `${(tokens / seconds).toFixed(1)} tokens/s (${tokens})`),
    line('rejected', `${count('llm_rejections')} (after: ${times(data, 'llm_rejection_ms')})`),
    line('failed', `${count('llm_failures')}`),
    line('never sent', `${count('dropped_iterations')}`),
    line('latency', times(data, 'llm_latency_ms')),
    line('TTFT at the client', times(data, 'llm_ttft_ms')),
    line('TTFT in the gateway', times(data, 'llm_gateway_ttft_ms')),
    ...thresholds(data).map((t) => line(t.ok ? 'held' : 'BROKEN', `${t.metric} ${t.limit}`)),
  ];
  return { stdout: `${rows.join('\n')}\n` };
}

const values = (data, name) => (data.metrics[name] ? data.metrics[name].values : {});

// Percentiles of a trend in milliseconds, as seconds.
function times(data, name) {
  const found = values(data, name);
  if (!found.max) return 'not measured';
  const seconds = (key) => (found[key] / 1000).toFixed(3);
  return `P50 ${seconds('med')}  P95 ${seconds('p(95)')}  P99 ${seconds('p(99)')}  max ${seconds('max')} s`;
}

function thresholds(data) {
  const found = [];
  for (const [metric, { thresholds: limits }] of Object.entries(data.metrics)) {
    for (const [limit, { ok }] of Object.entries(limits || {})) found.push({ metric, limit, ok });
  }
  return found;
}
