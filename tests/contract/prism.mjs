// prism.mjs - a Prism proxy before the gateway's API, which knows nothing but the OpenAPI document: an answer that the
// document does not allow becomes a 500 of its own, and the test that asked fails (PRISM=1, `make contract`).
// Requests are let through whatever they are: tests send wrong ones on purpose.
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = path.dirname(fileURLToPath(import.meta.url));

// Resolves once it answers: { port, stop() }.
export async function startPrism({ document, upstream, port, ca, log }) {
    const out = openSync(log, 'a');
    const child = spawn(process.execPath, [path.join(folder, 'tools/node_modules/@stoplight/prism-cli/dist/index.js'), 'proxy', document, upstream,
        '--errors', '--validate-request=false', '--host', '127.0.0.1', '--port', `${port}`], { stdio: ['ignore', out, out], env: { ...process.env, NODE_EXTRA_CA_CERTS: ca, NODE_NO_WARNINGS: '1' } });
    let gone = false;
    const ended = new Promise((done) => child.once('exit', () => { gone = true; done(); }));
    const asked = () => new Promise((done) => http.get({ host: '127.0.0.1', port, path: '/openapi.json', timeout: 2000 }, (answer) => { answer.resume(); done(true); }).on('error', () => done(false)));
    for (const until = Date.now() + 30000; !(await asked());) {
        if (gone || Date.now() > until) throw new Error(`Prism does not answer: see ${log}`);
        await new Promise((done) => setTimeout(done, 100));
    }
    return { port, stop: () => { child.kill('SIGTERM'); return ended; } };
}
