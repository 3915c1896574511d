// Tries each feature of a client: node main.mjs MODULE prints {feature: null, or what went wrong}.
const { features } = await import(`./${process.argv[2]}.mjs`);
const outcomes = {};
for (const [name, run] of Object.entries(features)) {
  try {
    await run();
    outcomes[name] = null;
  } catch (error) {
    outcomes[name] = `${error.stack}\n${error.responseBody ?? ""}`;
  }
}
console.log(JSON.stringify(outcomes));
