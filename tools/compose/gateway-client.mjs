import { Buffer } from 'node:buffer';
import { request } from 'node:http';
import { URL } from 'node:url';

const TIMEOUT_MS = 60_000;
const MOST_TRIES = 5;
const RETRY_MS = 1_000;

function readJson(response, text) {
  return /json/.test(response.headers['content-type'] ?? '') ? JSON.parse(text) : undefined;
}

/**
 * Sends one request through the gateway, on a connection of its own.
 * @param what such as `GET /health`
 * @returns `{ status, headers, json, text }`
 */
export function send(stack, what, { body, headers: more } = {}) {
  const [method, address] = what.split(' ');
  const headers = { 'x-api-key': stack.key, ...(body && { 'content-type': 'application/json' }), ...more };
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(address, stack.url), { method, headers, agent: false }, (response) => {
      const chunks = [];
      response.on('error', reject);
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode, headers: response.headers, text, json: readJson(response, text) });
      });
    });
    outgoing.on('error', reject);
    outgoing.setTimeout(TIMEOUT_MS, () => outgoing.destroy(new Error(`No answer to ${what}`)));
    outgoing.end(body && JSON.stringify(body));
  });
}

/** As a client does that is told to try again: the gateway does not send a POST anew, whatever became of it. Only for what may happen twice. */
async function sendAgain(stack, what, options) {
  for (let time = 1; ; time += 1) {
    const answer = await send(stack, what, options);
    const isToRetry = answer.status > 501 && answer.json?.retryable === true;
    if (!isToRetry || time === MOST_TRIES) return answer;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Sends the same request `count` times, one after the other. */
export async function sendMany(stack, count, what) {
  const answers = [];
  for (let index = 0; index < count; index += 1) answers.push(await send(stack, what));
  return answers;
}

/** Creates a session. @throws when it is refused */
export async function createSession(stack, options = {}) {
  const { status, json, text } = await send(stack, 'POST /api/sessions', { body: options });
  if (status !== 201) throw new Error(`A create was answered with ${status}: ${text}`);
  return json;
}

/** Ends every session that is live. */
export async function endSessions(stack) {
  const { json } = await send(stack, 'GET /api/sessions?state=ACTIVE');
  for (const { id } of json.sessions) await send(stack, `DELETE /api/sessions/${id}`);
}

/** The result of a script in the page of a session, through the gateway. */
export async function execute(stack, sessionId, code) {
  const { json, text } = await sendAgain(stack, `POST /api/sessions/${sessionId}/execute`, { body: { code } });
  if (json === undefined || !('result' in json)) throw new Error(`No result of ${code}: ${text}`);
  return json.result;
}

/** Sends a request to one node, past the gateway. A create that is sent so gets its place there, if there is one. */
export function askNode(node, what, body) {
  const { stack } = node;
  const [method, path] = what.split(' ');
  const script = `
    const { METHOD: method, ADDRESS, BODY: body, KEY } = process.env;
    const headers = { 'x-api-key': KEY, ...(body && { 'content-type': 'application/json' }) };
    const response = await fetch('http://127.0.0.1:3000' + ADDRESS, { method, headers, ...(body && { body }) });
    const text = await response.text();
    let json;
    try { json = JSON.parse(text); } catch {}
    console.log(JSON.stringify({ status: response.status, json, text }));`;
  return stack.evaluate(node, script, {
    METHOD: method,
    ADDRESS: path,
    KEY: stack.key,
    ...(body && { BODY: JSON.stringify(body) }),
  });
}
