// The AI SDK, with its provider for servers that speak OpenAI's API, on chat completions.
import assert from "node:assert/strict";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany } from "ai";
import { featuresOf } from "./ai_features.mjs";
import { MODEL } from "./given.mjs";

const provider = createOpenAICompatible({
  name: "gateway",
  baseURL: process.env.OPENAI_BASE_URL,
  apiKey: process.env.OPENAI_API_KEY,
  supportsStructuredOutputs: true,
});

export const features = {
  ...featuresOf({ model: provider(MODEL) }),

  async embeddings() {
    const { embeddings } = await embedMany({ model: provider.embeddingModel(MODEL), values: ["one", "two"] });
    assert.deepEqual(embeddings.map((embedding) => embedding.length), [384, 384]);
  },
};
