// What the tests in Python send, too.
export const { MODEL, HELLO, ASK_WEATHER, PIXEL, CITY } = JSON.parse(process.env.GIVEN);
