// From a tenth of the rate up to it, held, and down again. What exceeds the capacity must be rejected at once;
// nothing may fail.
import { ask, changing, plan, settings, setup } from './lib.js';
import { handleSummary } from './summary.js';

const { rate, seconds } = settings;

export { ask, handleSummary, setup };
export const options = plan({
  ramp: changing(rate / 10, [
    [seconds / 2, rate],
    [seconds / 4, rate],
    [seconds / 4, rate / 10],
  ]),
});
