// in_undici.js PACKAGES PORT [told]: one request by undici, or what it is told, as driven.py.
const readline = require("readline");

const [packages, port, told] = process.argv.slice(2);
const { Pool } = require(require.resolve("undici", { paths: [packages] }));
const opened = () => new Pool(`https://localhost:${port}`, { connections: 1, connect: { rejectUnauthorized: false } });
let kept = opened();
const ask = async () => {
  const answer = await kept.request({ path: "/", method: "GET" });
  await answer.body.text();
  console.log(answer.statusCode);
};

(async () => {
  if (!told) {
    await ask();
    return kept.close();
  }
  console.log("ready");
  for await (const word of readline.createInterface({ input: process.stdin })) {
    if (word === "new") kept = opened();
    await ask();
  }
})();
