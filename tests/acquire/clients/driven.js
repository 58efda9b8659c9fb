// The same as driven.py, in Node.js.
const tls = require('tls');
const readline = require('readline');
let kept = null;
function ask(connection) {
  let answer = '';
  const take = (data) => {
    answer += data;
    if (answer.endsWith('hello\n')) {
      connection.off('data', take);
      console.log(answer.split(' ')[1]);
    }
  };
  connection.on('data', take);
  connection.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
}
readline.createInterface({ input: process.stdin }).on('line', (word) => {
  if (word === 'again') return ask(kept);
  const connection = tls.connect({ port: Number(process.argv[2]), host: '127.0.0.1', rejectUnauthorized: false },
    () => ask(connection));
  if (kept) kept.destroy();
  kept = connection;
}).on('close', () => process.exit(0));
console.log('ready');
