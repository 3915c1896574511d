// What the AI SDK does with any model.
import assert from "node:assert/strict";
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";
import { ASK_WEATHER, CITY, HELLO, PIXEL } from "./given.mjs";

const weather = () => ({
  get_weather: tool({ inputSchema: jsonSchema(CITY), execute: async ({ city }) => `Rain in ${city}.` }),
});

export function featuresOf(options) {
  const given = { maxRetries: 0, ...options };
  return {
    async text() {
      const { text, usage } = await generateText({ ...given, prompt: HELLO });
      assert.ok(text);
      assert.ok(usage.outputTokens > 0);
    },

    async stream() {
      const pieces = [];
      for await (const piece of streamText({ ...given, prompt: HELLO }).textStream) pieces.push(piece);
      assert.ok(pieces.length > 1);
      assert.equal(pieces.join(""), (await generateText({ ...given, prompt: HELLO })).text);
    },

    async tools() {
      const asked = { ...given, prompt: ASK_WEATHER, tools: weather(), stopWhen: stepCountIs(3) };
      const streamed = streamText(asked);
      await streamed.consumeStream();
      const collected = { text: await streamed.text, steps: await streamed.steps };
      for (const { text, steps } of [await generateText(asked), collected]) {
        assert.ok(text);
        assert.deepEqual(steps.map((step) => step.toolResults.length), [1, 0]);
      }
    },

    async conversation() {
      const question = { role: "user", content: ASK_WEATHER };
      const asked = { ...given, messages: [question], tools: weather(), stopWhen: stepCountIs(3) };
      const streamed = streamText(asked);
      await streamed.consumeStream();
      for (const response of [(await generateText(asked)).response, await streamed.response]) {
        const messages = [question, ...response.messages, { role: "user", content: HELLO }];
        assert.ok((await generateText({ ...given, messages })).text);
      }
    },

    async "structured output"() {
      const output = Output.object({ schema: jsonSchema(CITY) });
      assert.equal(typeof (await generateText({ ...given, prompt: HELLO, output })).output.city, "string");
    },

    async thinking() {
      assert.ok((await generateText({ ...given, prompt: HELLO })).reasoningText);
    },

    async images() {
      const content = [{ type: "text", text: HELLO }, { type: "image", image: PIXEL, mediaType: "image/png" }];
      assert.ok((await generateText({ ...given, messages: [{ role: "user", content }] })).text);
    },
  };
}
