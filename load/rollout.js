// The load of `python -m dev rollout`: STREAMS streams at any time and RATE plain calls a second, half of each on
// kept connections and half on new ones.
import { sleep } from 'k6';
import { arrivals, number, plan, send, settings, setup } from './lib.js';
import { handleSummary } from './summary.js';

const streams = number('STREAMS', 100);
const RETRY_SECONDS = 1; // of a stream that was rejected, as the queue was full

export function stream() {
  const fresh = __VU % 2 === 0;
  const result = send(true, { kind: fresh ? 'stream, new' : 'stream, kept', fresh });
  if (result.outcome !== 'ok') sleep(RETRY_SECONDS);
}

export function call() {
  const fresh = __VU % 2 === 0;
  send(false, { kind: fresh ? 'call, new' : 'call, kept', fresh });
}

export { handleSummary, setup };
export const options = Object.assign(
  plan({
    streams: {
      executor: 'constant-vus',
      vus: streams,
      duration: `${settings.seconds}s`,
      exec: 'stream',
      gracefulStop: '135s',
    },
    calls: arrivals(settings.rate, settings.seconds, { exec: 'call' }),
  }),
  { noConnectionReuse: false },
);
