// OpenAI's official client for JavaScript.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { ASK_WEATHER, CITY, HELLO, MODEL, PIXEL } from "./given.mjs";

const client = new OpenAI({ maxRetries: 0 });
const greeting = { role: "user", content: HELLO };
const question = { role: "user", content: ASK_WEATHER };
const chat = (given) => client.chat.completions.create({ model: MODEL, messages: [greeting], ...given });
const tools = [{ type: "function", function: { name: "get_weather", parameters: CITY } }];

export const features = {
  async models() {
    assert.equal((await client.models.list()).data[0].id, MODEL);
  },

  async text() {
    const completion = await chat({ max_tokens: 8 });
    assert.equal(completion.choices[0].finish_reason, "length");
    assert.equal(completion.usage.completion_tokens, 8);
  },

  async stream() {
    const stream = client.chat.completions.stream({ model: MODEL, messages: [greeting] });
    const { message } = (await stream.finalChatCompletion()).choices[0];
    assert.ok(message.content);
    assert.equal(message.content, (await chat()).choices[0].message.content);
  },

  async tools() {
    const called = [];
    const runner = client.chat.completions.runTools({
      model: MODEL,
      messages: [question],
      tools: [{
        type: "function",
        function: {
          name: "get_weather",
          parameters: CITY,
          parse: JSON.parse,
          function: ({ city }) => (called.push(city), "Rain."),
        },
      }],
    });
    assert.ok(await runner.finalContent());
    assert.equal(called.length, 1);
    assert.equal(typeof called[0], "string");
  },

  async conversation() {
    const whole = (await chat({ messages: [question], tools })).choices[0].message;
    const stream = client.chat.completions.stream({ model: MODEL, messages: [question], tools });
    const streamed = (await stream.finalChatCompletion()).choices[0].message;
    for (const message of [whole, streamed]) {
      const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "Rain." };
      const again = (await chat({ messages: [question, message, result] })).choices[0].message;
      assert.ok(again.content);
      assert.ok((await chat({ messages: [question, message, result, again, greeting] })).choices[0].message);
    }
  },

  async "structured output"() {
    const completion = await client.chat.completions.parse({
      model: MODEL,
      messages: [greeting],
      response_format: { type: "json_schema", json_schema: { name: "city", strict: true, schema: CITY } },
    });
    assert.equal(typeof JSON.parse(completion.choices[0].message.content).city, "string");
  },

  async thinking() {
    assert.ok((await chat({ reasoning_effort: "low" })).choices[0].message.reasoning);
    assert.ok(!(await chat({ reasoning_effort: "none" })).choices[0].message.reasoning);
  },

  async images() {
    const image = { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL}` } };
    const messages = [{ role: "user", content: [{ type: "text", text: HELLO }, image] }];
    assert.ok((await chat({ messages })).choices[0].message.content);
  },

  async embeddings() {
    const embedded = await client.embeddings.create({ model: MODEL, input: ["one", "two"] });
    assert.deepEqual(embedded.data.map((item) => item.embedding.length), [384, 384]);
  },
};
