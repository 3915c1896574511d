// Does it answer at all: a few requests, none rejected, none failed.
import { arrivals, ask, plan, settings, setup } from './lib.js';
import { handleSummary } from './summary.js';

export { ask, handleSummary, setup };
export const options = plan({ smoke: arrivals(settings.rate, settings.seconds) }, { llm_rejections: ['count==0'] });
