// The end of every run: a table to read, and the same numbers as a line "SUMMARY {...}" for dev/load_lines.py.

export function handleSummary(data) {
  const seconds = data.state.testRunDurationMs / 1000;
  const count = (name) => values(data, name).count || 0;
  const summary = {
    seconds,
    answers: count('llm_answers'),
    refusals: count('llm_refusals'),
    failures: count('llm_failures'),
    dropped: count('dropped_iterations'),
    tokens: count('llm_tokens'),
    latency: trend(data, 'llm_latency_ms'),
    ttft: trend(data, 'llm_ttft_ms'),
    gateway_ttft: trend(data, 'llm_gateway_ttft_ms'),
    refusal: trend(data, 'llm_refusal_ms'),
    thresholds: thresholds(data),
  };
  summary.goodput = summary.answers / seconds;
  summary.tokens_per_second = summary.tokens / seconds;
  return { stdout: `${table(summary)}\nSUMMARY ${JSON.stringify(summary)}\n` };
}

const values = (data, name) => (data.metrics[name] ? data.metrics[name].values : {});

// P50, P95, P99 and the maximum in seconds; null where nothing was measured.
function trend(data, name) {
  const found = values(data, name);
  if (!found.max) return null;
  return { p50: found.med / 1000, p95: found['p(95)'] / 1000, p99: found['p(99)'] / 1000, max: found.max / 1000 };
}

function thresholds(data) {
  const found = [];
  for (const [metric, { thresholds: limits }] of Object.entries(data.metrics)) {
    for (const [limit, { ok }] of Object.entries(limits || {})) found.push({ metric, limit, ok });
  }
  return found;
}

function table(s) {
  const line = (name, text) => `  ${name.padEnd(22)} ${text}`;
  const times = (t) =>
    t === null
      ? 'not measured'
      : `P50 ${t.p50.toFixed(3)}  P95 ${t.p95.toFixed(3)}  P99 ${t.p99.toFixed(3)}  max ${t.max.toFixed(3)} s`;
  return [
    '',
    line('goodput', `${s.goodput.toFixed(2)} answers/s (${s.answers} in ${s.seconds.toFixed(1)} s)`),
    line('tokens', `${s.tokens_per_second.toFixed(1)} tokens/s (${s.tokens})`),
    line('refused', `${s.refusals} (after: ${times(s.refusal)})`),
    line('failed', `${s.failures}`),
    line('never sent', `${s.dropped}`),
    line('latency', times(s.latency)),
    line('TTFT, at the client', times(s.ttft)),
    line('TTFT, of the gateway', times(s.gateway_ttft)),
    ...s.thresholds.map((t) => line(t.ok ? 'held' : 'BROKEN', `${t.metric} ${t.limit}`)),
  ].join('\n');
}
