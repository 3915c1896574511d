// OpenAI's official client for JavaScript, on responses.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { ASK_WEATHER, CITY, HELLO, MODEL, PIXEL } from "./given.mjs";

const client = new OpenAI({ maxRetries: 0 });
const respond = (given) => client.responses.create({ model: MODEL, input: HELLO, ...given });
const stream = (given) => client.responses.stream({ model: MODEL, input: HELLO, ...given });
const tools = [{ type: "function", name: "get_weather", parameters: CITY, strict: true }];

async function callTools(answer) {
  const question = { role: "user", content: ASK_WEATHER };
  const asked = await answer({ input: [question], tools });
  const [call] = asked.output.filter((item) => item.type === "function_call");
  assert.equal(typeof JSON.parse(call.arguments).city, "string");
  const result = { type: "function_call_output", call_id: call.call_id, output: "Rain." };
  const told = await answer({ input: [question, ...asked.output, result], tools });
  assert.ok(told.output_text);
  return [question, ...asked.output, result, ...told.output, question];
}

export const features = {
  async text() {
    const response = await respond({ max_output_tokens: 8 });
    assert.equal(response.incomplete_details.reason, "max_output_tokens");
    assert.equal(response.usage.output_tokens, 8);
  },

  async stream() {
    const deltas = [];
    const streamed = stream().on("response.output_text.delta", (event) => deltas.push(event.delta));
    const response = await streamed.finalResponse();
    assert.ok(response.output_text);
    assert.equal(deltas.join(""), response.output_text);
    assert.equal((await respond()).output_text, response.output_text);
  },

  async tools() {
    await callTools(respond);
  },

  async conversation() {
    for (const answer of [respond, (given) => stream(given).finalResponse()]) {
      assert.ok((await respond({ input: await callTools(answer) })).output_text);
    }
  },

  async "structured output"() {
    const format = { type: "json_schema", name: "city", strict: true, schema: CITY };
    const response = await client.responses.parse({ model: MODEL, input: HELLO, text: { format } });
    assert.equal(typeof JSON.parse(response.output_text).city, "string");
  },

  async thinking() {
    const response = await respond({ reasoning: { effort: "low", summary: "auto" } });
    assert.ok(response.output[0].summary[0].text);
  },

  async images() {
    const image = { type: "input_image", image_url: `data:image/png;base64,${PIXEL}`, detail: "auto" };
    const content = [{ type: "input_text", text: HELLO }, image];
    assert.ok((await respond({ input: [{ role: "user", content }] })).output_text);
  },
};
