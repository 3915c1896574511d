// The same rate for a long time: the second half must be as good as the first.
import { arrivals, ask, plan, settings, setup } from './lib.js';
import { handleSummary } from './summary.js';

const { rate, seconds, ttft } = settings;
const half = (name, start) =>
  arrivals(rate, seconds / 2, { startTime: `${Math.round(start)}s`, tags: { half: name } });
const limit = [`p(95)<${ttft * 1000}`];

export { ask, handleSummary, setup };
export const options = plan(
  { first: half('first', 0), second: half('second', seconds / 2) },
  {
    llm_rejections: ['count==0'],
    'llm_gateway_ttft_ms{half:first}': limit,
    'llm_gateway_ttft_ms{half:second}': limit,
  },
);
