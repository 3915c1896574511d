// The load of `python -m dev autoscale`: the baseline, a ramp to RATE, held, and the baseline again until both
// autoscalers have scaled down. The baseline continues to the end, because scaling down must not fail a request.
// Settings beside those of lib.js: BASELINE_RATE (requests per second), BASELINE, RAMP, HOLD and TAIL (seconds).
import { ask, changing, number, plan, settings, setup } from './lib.js';
import { handleSummary } from './summary.js';

const baseline = number('BASELINE_RATE', 0.3);

export { ask, handleSummary, setup };
export const options = plan({
  autoscale: changing(baseline, [
    [number('BASELINE', 20), baseline],
    [number('RAMP', 40), settings.rate],
    [number('HOLD', 80), settings.rate],
    [1, baseline],
    [number('TAIL', 300), baseline],
  ]),
});
