// As src/plainwire/lab/clients/serial.py, with Node's https. FRESH in the environment: requests in each agent.
import fs from "node:fs";
import https from "node:https";

const [host, port, authority, count, timeout, method, size, ...pauses] = process.argv.slice(2);
const fresh = Number(process.env.FRESH ?? 0);
const body = Number(size) ? "x".repeat(Number(size)) : undefined;
const ca = fs.readFileSync(authority);
const newAgent = () => new https.Agent({ keepAlive: true, maxSockets: 1 });
let agent = newAgent();

function once(path) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-length": body.length };
    const request = https.request({ host, port, path, method, ca, agent, headers }, (response) => {
      response.on("data", () => {});
      response.on("error", reject);
      response.on("end", () => resolve(response));
    });
    request.setTimeout(Number(timeout) * 1000, () => request.destroy(new Error("the client's own timeout")));
    request.on("error", reject);
    request.end(body);
  });
}

let failed = 0;
for (let number = 1; number <= Number(count); number++) {
  const target = `/container/object-${number}`;
  if (fresh && number > 1 && number % fresh === 1 % fresh) {
    agent.destroy();
    agent = newAgent();
  }
  try {
    const response = await once(target);
    if (response.statusCode !== 200) {
      failed++;
      console.log(`${method} ${target}: ${response.statusCode} ${response.statusMessage}`);
    }
  } catch (error) {
    failed++;
    console.log(`${method} ${target}: ${error.code ?? ""} ${error.message}`);
  }
  const pause = Number(pauses.length ? pauses[(number - 1) % pauses.length] : 0);
  await new Promise((resolve) => setTimeout(resolve, pause * 1000));
}
agent.destroy();
console.log(`${count} requests, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
