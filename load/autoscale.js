// The load of `python -m dev.autoscale.command`: quiet, a ramp to RATE, held, and quiet again until both autoscalers
// have gone back. The quiet rate goes on to the end: scaling down must not cost a request.
// QUIET_RATE (requests per second), QUIET, RAMP, HOLD, TAIL (seconds) beside what lib.js reads.
import { ask, changing, plan, settings } from './lib.js';
import { handleSummary } from './summary.js';

const of = (name, fallback) => Number(__ENV[name] || fallback);
const quiet = of('QUIET_RATE', 0.3);

export { ask, handleSummary };
export const options = plan({
  autoscale: changing(quiet, [
    [of('QUIET', 20), quiet],
    [of('RAMP', 40), settings.rate],
    [of('HOLD', 80), settings.rate],
    [1, quiet],
    [of('TAIL', 300), quiet],
  ]),
});
