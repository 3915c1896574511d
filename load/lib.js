// What every scenario shares: the settings, one request to the gateway, and how its result is counted.
//
// Settings are environment variables: BASE_URL, RATE (requests per second at the peak), DURATION (seconds),
// STREAM (true or false), MAX_TOKENS, MODEL, API_KEYS, MAX_VUS, TTFT_P95 and REJECTION_P95 (seconds).
//
// The time to the first token is measured twice:
// - llm_ttft_ms, at the client: until the first byte of a stream. k6 hands over a body only when it is complete,
//   but it keeps the time of the first byte, and the gateway sends no byte of a stream, not even the headers,
//   before the first token. A plain answer has no such moment.
// - llm_gateway_ttft_ms, in the gateway: `timings` in the answer, or in a stream's last line.
import { sleep } from 'k6';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';

export const settings = {
  url: (__ENV.BASE_URL || 'http://localhost:8000').replace(/\/$/, ''),
  rate: number('RATE', 1),
  seconds: number('DURATION', 30),
  stream: (__ENV.STREAM || 'true') === 'true',
  maxTokens: number('MAX_TOKENS', 16),
  model: __ENV.MODEL || undefined,
  key: (__ENV.API_KEYS || '').split(',')[0].trim(),
  maxVus: number('MAX_VUS', 100),
  ttft: number('TTFT_P95', 2.5),
  rejection: number('REJECTION_P95', 0.25),
};

const answers = new Counter('llm_answers');
const rejections = new Counter('llm_rejections');
const failures = new Counter('llm_failures');
const tokens = new Counter('llm_tokens');
const latency = new Trend('llm_latency_ms');
const firstToken = new Trend('llm_ttft_ms');
const gatewayFirstToken = new Trend('llm_gateway_ttft_ms');
const rejectionTime = new Trend('llm_rejection_ms');

const requestSeconds = 130; // the gateway's own deadline is 120 s
const topics = ['rain', 'bread', 'the sea', 'a clock', 'snow', 'a bridge', 'tea', 'the moon'];

// A positive number from the environment; any other value ends the run with a message.
export function number(name, fallback) {
  const value = __ENV[name] === undefined || __ENV[name] === '' ? fallback : Number(__ENV[name]);
  if (!Number.isFinite(value) || value <= 0) {
    throw new Error(`${name} must be a number above 0, not '${__ENV[name]}'`);
  }
  return value;
}

// Before the first request, until anything answers: what enforces NetworkPolicies may refuse a pod that has just
// started. Where nothing does in time, the requests will say so.
export function setup() {
  const end = Date.now() + 20000;
  while (http.get(`${settings.url}/health`, { timeout: '5s' }).status === 0 && Date.now() < end) sleep(0.5);
}

// The options of a run: its scenarios, and its thresholds beside those of every run.
export function plan(scenarios, thresholds) {
  return {
    scenarios,
    thresholds: Object.assign(
      {
        llm_failures: ['count==0'],
        llm_answers: ['count>0'],
        llm_rejection_ms: [`p(95)<${settings.rejection * 1000}`],
        // Requests that were planned but never sent make every other number look too good.
        dropped_iterations: ['count==0'],
      },
      thresholds,
    ),
    // A connection stays on one pod; new connections are spread over all pods, new ones included.
    noConnectionReuse: true,
    summaryTrendStats: ['avg', 'min', 'med', 'p(95)', 'p(99)', 'max'],
  };
}

// An open model: requests arrive at the rate given, however slow the answers are. The number of VUs is bounded.
export function arrivals(rate, seconds, more) {
  return Object.assign(
    { executor: 'constant-arrival-rate', rate: per10s(rate), duration: whole(seconds) },
    shared(rate),
    more,
  );
}

// The same with a changing rate: stages are [seconds, requests per second at their end].
export function changing(start, stages) {
  return Object.assign(
    {
      executor: 'ramping-arrival-rate',
      startRate: per10s(start),
      stages: stages.map(([seconds, rate]) => ({ duration: whole(seconds), target: per10s(rate) })),
    },
    shared(Math.max(...stages.map(([, rate]) => rate))),
  );
}

// k6 takes whole numbers only: requests per ten seconds, so that a rate may be 0.1.
const per10s = (rate) => Math.max(1, Math.round(rate * 10));
const whole = (seconds) => `${Math.max(1, Math.round(seconds))}s`;

function shared(rate) {
  return {
    timeUnit: '10s',
    exec: 'ask',
    preAllocatedVUs: Math.min(settings.maxVus, Math.max(2, Math.ceil(rate * 2))),
    maxVUs: settings.maxVus,
    gracefulStop: `${requestSeconds + 5}s`, // every request that began may end by itself
  };
}

// Sends one request, and logs two lines that dev/load/output.py parses: "SENT {...}" before, "REQ {...}" after it
// has ended, times in seconds.
export function ask() {
  send(settings.stream);
}

// The same, with the label `kind` in both lines; with `fresh`, the connection ends with the response.
export function send(stream, { kind = '', fresh = false } = {}) {
  const began = Date.now();
  const headers = { 'Content-Type': 'application/json' };
  if (fresh) headers.Connection = 'close';
  if (settings.key) headers.Authorization = `Bearer ${settings.key}`;
  console.log(`SENT ${JSON.stringify({ at: began / 1000, kind })}`);
  const response = http.post(`${settings.url}/generate`, body(stream), {
    headers,
    timeout: `${requestSeconds}s`,
    tags: { name: 'generate' },
    responseType: 'text',
  });
  const result = judge(response, stream);
  count(result);
  console.log(`REQ ${JSON.stringify(Object.assign({ at: began / 1000, kind }, result))}`);
  return result;
}

function body(stream) {
  // Each prompt begins differently, so that no runtime answers from its cache of the last prompt.
  const topic = topics[(__ITER + __VU) % topics.length];
  return JSON.stringify({
    prompt: `${__VU}.${__ITER}: Say one sentence about ${topic}.`,
    model: settings.model,
    stream,
    options: { num_predict: settings.maxTokens, temperature: 0, seed: 1 },
  });
}

function judge(response, stream) {
  const t = response.timings;
  const opening = t.blocked + t.connecting + t.sending + t.waiting;
  const result = { outcome: 'failed', status: response.status, seconds: (opening + t.receiving) / 1000 };
  const last = lastOf(response.body, stream);
  if (response.status === 200 && last !== undefined && !last.error && last.usage) {
    result.outcome = 'ok';
    result.tokens = last.usage.generated_tokens;
    result.gateway_ttft = last.timings.time_to_first_token_seconds;
    if (stream) result.ttft = opening / 1000;
  } else if (rejected(response, last)) {
    result.outcome = 'rejected';
  } else {
    result.error = response.error || (last && last.error && last.error.message) || 'not an answer';
  }
  return result;
}

// Rejected because of the load, with a Retry-After. A runtime that is unavailable is a failure.
function rejected(response, last) {
  const code = last && last.error && last.error.code;
  const busy = response.status === 429 || (response.status === 503 && code !== 'runtime_unavailable');
  return busy && response.headers['Retry-After'] !== undefined;
}

function lastOf(body, stream) {
  if (!body) return undefined;
  const lines = body.trim().split('\n');
  try {
    return JSON.parse(stream ? lines[lines.length - 1] : body);
  } catch (error) {
    return undefined; // not JSON, which `judge` counts as a failure
  }
}

function count(result) {
  const ms = result.seconds * 1000;
  answers.add(result.outcome === 'ok' ? 1 : 0);
  rejections.add(result.outcome === 'rejected' ? 1 : 0);
  failures.add(result.outcome === 'failed' ? 1 : 0);
  if (result.outcome === 'rejected') rejectionTime.add(ms);
  if (result.outcome !== 'ok') return;
  latency.add(ms);
  tokens.add(result.tokens);
  gatewayFirstToken.add(result.gateway_ttft * 1000);
  if (result.ttft !== undefined) firstToken.add(result.ttft * 1000);
}
