// Two requests, by https and by fetch; arguments are the port and what to trust. Then what the program sees of itself.
const fs = require("fs");
const https = require("https");

const [port, certificate] = process.argv.slice(2);
const request = { host: "localhost", port, path: "/", ca: fs.readFileSync(certificate), agent: false };
https.get(request, async (answer) => {
  console.log(answer.statusCode);
  answer.resume();
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  process.removeAllListeners("warning");
  const second = await fetch(`https://localhost:${port}/`);
  await second.text(); // else it ends before all of the response has come
  console.log(second.status);
  console.log(process.env.NODE_OPTIONS, process.execArgv);
  process.exit(0);
});
