// A quarter of the time a tenth of the rate, a quarter the full rate, then a tenth again. Nothing may fail, and in
// the last quarter the platform must be as good as in the first.
import { arrivals, ask, plan, settings, setup } from './lib.js';
import { handleSummary } from './summary.js';

const { rate, seconds, ttft } = settings;
const phase = (name, part, share) =>
  arrivals(rate * share, seconds / 4, { startTime: `${Math.round((part * seconds) / 4)}s`, tags: { phase: name } });

export { ask, handleSummary, setup };
export const options = plan(
  {
    before: phase('before', 0, 0.1),
    burst: phase('burst', 1, 1),
    settling: phase('settling', 2, 0.1),
    after: phase('after', 3, 0.1),
  },
  {
    'llm_rejections{phase:before}': ['count==0'],
    'llm_rejections{phase:after}': ['count==0'],
    'llm_gateway_ttft_ms{phase:after}': [`p(95)<${ttft * 1000}`],
  },
);
