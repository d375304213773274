// A worker that does what a test says, and a way to the server that can be cut.

import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';

/** A WebP of one pixel. */
const WEBP = Buffer.from('UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA', 'base64');

/** Calls the API and demands that it goes well. */
export async function api(horde, method, path, { key, body } = {}) {
  const response = await fetch(horde + path, {
    method,
    headers: { ...(key && { apikey: key }), ...(body && { 'Content-Type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** An account whose workers the test plays. */
export async function makeWorker(horde, name) {
  const { api_key: key } = await api(horde, 'POST', '/api/v2/dev/test-user', {
    body: { username: name, oauth_id: `test-${name}`, moderator: false, trusted: true, kudos: 1000 },
  });
  return {
    /** Takes a job; waits for one for at most 20 s. */
    async pop(amount = 1) {
      const deadline = Date.now() + 20_000;
      for (;;) {
        const response = await fetch(`${horde}/api/v2/generate/pop`, {
          method: 'POST',
          headers: { apikey: key, 'Content-Type': 'application/json', Prefer: 'wait=10' },
          body: JSON.stringify({ name, models: ['stable_diffusion'], bridge_agent: 'AI Horde Worker reGen:13.0.0:x', max_pixels: 4194304, amount }),
        });
        const job = await response.json();
        if (job.id) return job;
        assert.ok(response.ok && Date.now() < deadline, `no job: ${response.status} ${JSON.stringify(job)}`);
      }
    },
    report: (id, step, steps) => api(horde, 'POST', `/api/ext/v1/jobs/${id}/progress`, { key, body: { step, steps } }),
    /** Uploads an image, unless it is told not to, and says that the job is done. */
    async deliver(job, i = 0, { upload = true } = {}) {
      if (upload) {
        const put = await fetch(job.r2_uploads[i], { method: 'PUT', body: WEBP });
        assert.ok(put.ok, `upload: ${put.status}`);
      }
      await api(horde, 'POST', '/api/v2/generate/submit', { key, body: { id: job.ids[i], generation: 'R2', seed: 7 } });
    },
    giveBack: (id) => api(horde, 'POST', '/api/v2/generate/submit', { key, body: { id, generation: 'faulted', state: 'faulted', seed: -1 } }),
  };
}

/** The number of event streams that are open on the server. */
export async function openStreams(horde) {
  const text = await (await fetch(`${horde}/metrics`)).text();
  return Number(/^horde_event_streams (\d+)$/m.exec(text)[1]);
}

/** Waits until check holds. */
export async function until(what, check, limit = 20_000) {
  const deadline = Date.now() + limit;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${limit / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** An address that leads to the server until it is cut, and again once it is mended. */
export async function makeWay(horde) {
  const target = new URL(horde);
  const sockets = new Set();
  const open = (port) =>
    new Promise((resolve) => {
      const server = createServer((from) => {
        const to = connect(Number(target.port), target.hostname);
        for (const socket of [from, to]) {
          sockets.add(socket);
          socket.on('error', () => {}).on('close', () => {
            sockets.delete(socket);
            from.destroy();
            to.destroy();
          });
        }
        from.pipe(to).pipe(from);
      }).listen(port, '127.0.0.1', () => resolve(server));
    });
  let server = await open(0);
  const { port } = server.address();
  const cut = () =>
    new Promise((resolve) => {
      server.close(resolve);
      for (const socket of sockets) socket.destroy();
    });
  return { url: `http://127.0.0.1:${port}`, cut, mend: async () => (server = await open(port)), close: cut };
}
