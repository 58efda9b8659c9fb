// What Node serves: PORT CHAIN KEY.
import fs from "node:fs";
import https from "node:https";

const [port, chain, key] = process.argv.slice(2);
const papers = { cert: fs.readFileSync(chain), key: fs.readFileSync(key) };
https
  .createServer(papers, (request, response) => {
    request.on("data", () => {});
    request.on("end", () => response.end("an object\n".repeat(40)));
  })
  .listen(Number(port), "127.0.0.1");
