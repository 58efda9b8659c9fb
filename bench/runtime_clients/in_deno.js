// Deno's own fetch, whose TLS is rustls: in_deno.js PORT [told]: one request, or what it is told, as driven.py.
const [port, told] = Deno.args;
let kept = Deno.createHttpClient({});
const ask = async () => {
  const answer = await fetch(`https://localhost:${port}/`, { client: kept });
  await answer.text();
  console.log(answer.status);
};
if (told) {
  console.log("ready");
  let rest = "";
  for await (const piece of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    rest += piece;
    for (let end; (end = rest.indexOf("\n")) >= 0; rest = rest.slice(end + 1)) {
      if (rest.slice(0, end) === "new") kept = Deno.createHttpClient({});
      await ask();
    }
  }
} else {
  await ask();
}
