// The same in Node.js, by https, fetch, axios or got: LIBRARY MODE BASE REFUSED AUTHORITY TRUTH.
const fs = require('fs'), https = require('https');
const [library, mode, base, refused, authority, truth] = process.argv.slice(2);
const faults = ['close', 'reset', 'half-close', 'half-reset', 'nonsense', 'silence', 'busy', 'refused'];
const ca = fs.readFileSync(authority), limit = 1000;
const agent = new https.Agent({ca});

const clients = {
  https: url => new Promise((done, failed) => {
    https.get(url, {agent, timeout: limit}, response => {
      response.on('error', failed);
      response.on('end', () => response.statusCode < 500 ? done() : failed(new Error(`HTTP status ${response.statusCode}`)));
      response.resume();
    }).on('error', failed).on('timeout', function () { this.destroy(new Error('request timed out')); });
  }),
  fetch: async url => { // NODE_EXTRA_CA_CERTS has the authority
    const response = await fetch(url, {signal: AbortSignal.timeout(limit)});
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    await response.text();
  },
  axios: url => require('axios').get(url, {httpsAgent: agent, timeout: limit, proxy: false}),
  got: async url => (await import('got')).default(url, {
    https: {certificateAuthority: ca}, retry: {limit: 0}, timeout: {request: limit},
  }),
};

(async () => {
  for (const fault of faults) {
    const began = Date.now() / 1000, url = (fault === 'refused' ? refused : base) + fault;
    let failed = true;
    try {
      await clients[library](url);
      failed = false;
    } catch (error) {
      if (mode === 'traceback') console.error(error);
      else if (mode === 'print') console.log(`GET ${url} failed: ${error.message} ${error.code || (error.cause || {}).code || ''} ${(error.cause || {}).message || ''}`);
      else process.stderr.write(`GET ${url} failed: ${error.stack}\n`);
    }
    fs.appendFileSync(truth, JSON.stringify([fault, began, Date.now() / 1000, failed]) + '\n');
  }
})();
