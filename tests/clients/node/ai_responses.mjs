// The AI SDK, with its provider for OpenAI, on responses.
import { createOpenAI } from "@ai-sdk/openai";
import { featuresOf } from "./ai_features.mjs";
import { MODEL } from "./given.mjs";

const model = createOpenAI()(MODEL); // reads OPENAI_BASE_URL and OPENAI_API_KEY
// Of a name that it does not know, the provider does not believe that it thinks.
const reasoning = { forceReasoning: true, reasoningEffort: "low", reasoningSummary: "auto" };
const providerOptions = { openai: { ...reasoning, store: false } };

export const features = featuresOf({ model, providerOptions });
