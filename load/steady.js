// A rate that the platform should sustain: nothing rejected, the first token in time.
import { arrivals, ask, plan, settings, setup } from './lib.js';
import { handleSummary } from './summary.js';

export { ask, handleSummary, setup };
export const options = plan(
  { steady: arrivals(settings.rate, settings.seconds) },
  { llm_rejections: ['count==0'], llm_gateway_ttft_ms: [`p(95)<${settings.ttft * 1000}`] },
);
