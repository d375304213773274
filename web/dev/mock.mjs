// A mock horde for working on the page: `npm run mock` beside `npm run dev`. It speaks
// just enough of the API, draws PNG images from the prompt, and misbehaves when the
// prompt says so:
//   "fail"       the workers fault
//   "refuse"     403 KudosUpfront
//   "wrong"      400 with errors by field
//   "slow"       a long queue
//   "nostream"   no event stream, the page has to poll
//
// Its environment:
//   MOCK_PORT           7099
//   MOCK_STEP           ms a step, 120
//   MOCK_EMPTY=1        no workers
//   MOCK_MAINTENANCE=1  maintenance mode
//   MOCK_IMAGES         a folder of images to use instead of drawn ones
//   MOCK_DIST           a folder of the built page, to serve it too

import { createServer } from 'node:http';
import { readFileSync, readdirSync } from 'node:fs';
import { join, extname } from 'node:path';
import { deflateSync } from 'node:zlib';
import { randomUUID } from 'node:crypto';

const port = Number(process.env.MOCK_PORT ?? 7099);
const stepTime = Number(process.env.MOCK_STEP ?? 120);
const folder = process.env.MOCK_IMAGES;
const images = folder
  ? readdirSync(folder)
      .sort()
      .map((name) => readFileSync(join(folder, name)))
  : [];
const requests = new Map();

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain',
};

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc(body), body.length + 4);
  return out;
}

function crc(buffer) {
  let c = -1;
  for (const byte of buffer) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (0xedb88320 & -(c & 1));
  }
  return (c ^ -1) >>> 0;
}

/** A PNG of soft discs whose colours come from the seed; noise 0…1 on top. */
function draw(width, height, seed, noise) {
  const rows = Buffer.alloc(height * (width * 3 + 1));
  let state = (seed * 2654435761 + 1) >>> 0;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;

  const discs = Array.from({ length: 6 }, () => ({
    x: random(),
    y: random(),
    r: 0.15 + random() * 0.4,
    c: [random(), random(), random()],
  }));

  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = [0.6, 0.7, 0.75];
      for (const disc of discs) {
        const near = Math.max(0, 1 - Math.hypot(x / width - disc.x, y / height - disc.y) / disc.r);
        for (let i = 0; i < 3; i++) colour[i] += (disc.c[i] - colour[i]) * Math.min(1, near * 2);
      }
      for (let i = 0; i < 3; i++) {
        const value = colour[i] * (1 - noise) + Math.random() * noise;
        rows[y * (width * 3 + 1) + 1 + x * 3 + i] = Math.max(0, Math.min(255, value * 255));
      }
    }
  }

  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const hash = (text) => [...text].reduce((h, c) => (Math.imul(h, 31) + c.charCodeAt(0)) >>> 0, 7);

function imageOf(job) {
  if (images.length) return images[job.seed % images.length];
  return draw(Math.min(512, job.width), Math.min(512, job.height), job.seed, 0);
}

/** Where a request stands now: all follows from the time since it came. */
function state(request) {
  const elapsed = Date.now() - request.at;
  const queue = request.prompt.includes('slow') ? 60_000 : process.env.MOCK_EMPTY ? Infinity : 1500;
  const each = request.steps * stepTime;
  const worked = Math.max(0, elapsed - queue);
  const failed = request.prompt.includes('fail') && worked > each / 2;
  const finished = Math.min(request.jobs.length, Math.floor(worked / each));

  const working = !request.cancelled && !failed && elapsed > queue && finished < request.jobs.length;
  const rest = Math.max(0, queue - elapsed) + each * (request.jobs.length - finished) - (worked % each);

  return {
    finished,
    processing: working ? 1 : 0,
    restarted: 0,
    waiting: request.cancelled ? 0 : request.jobs.length - finished - (working ? 1 : 0),
    done: request.cancelled || finished === request.jobs.length,
    faulted: failed,
    wait_time: finished === request.jobs.length || !Number.isFinite(rest) ? 0 : Math.ceil(rest / 1000),
    queue_position: elapsed > queue ? 0 : Math.max(1, Math.ceil(Math.min(queue - elapsed, 90_000) / 700)),
    kudos: 10,
    is_possible: !process.env.MOCK_EMPTY,
    step: working ? Math.min(request.steps, Math.floor((worked % each) / stepTime)) : 0,
  };
}

function check(request) {
  const { step, ...rest } = state(request);
  return rest;
}

function status(request, origin) {
  const now = check(request);
  const generations = request.jobs.slice(0, now.finished).map((job) => ({
    img: `${origin}/blobs/${job.id}.webp`,
    seed: String(job.seed),
    id: job.id,
    censored: false,
    gen_metadata: [{ type: 'information', value: 'see_ref', ref: 'generated at 128×128, enlarged to 512×512' }],
    worker_id: 'c0ffee00-0000-4000-8000-000000000000',
    worker_name: 'operator’s worker',
    model: request.models[0] ?? 'horde_pocket',
    state: 'ok',
  }));
  return { ...now, generations, shared: false };
}

/** The events of several requests, as they are now and then every step. */
function events(ids, response, origin) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const send = (name, data) => response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  const open = new Map(ids.map((id) => [id, { status: '', step: '' }]));
  const timer = setInterval(tick, stepTime);
  response.on('close', () => clearInterval(timer));
  tick();

  function tick() {
    for (const [id, seen] of open) tell(id, seen);
    if (open.size > 0) return;
    clearInterval(timer);
    response.end();
  }

  function tell(id, seen) {
    const request = requests.get(id);
    if (!request) {
      open.delete(id);
      return send('gone', { request: id, rc: 'RequestNotFound', message: 'not found' });
    }

    const ref = { request: id, type: 'image' };
    const now = state(request);
    if (now.done || now.faulted) {
      open.delete(id);
      return send('end', { ...ref, cancelled: !!request.cancelled, ...status(request, origin) });
    }

    const job = request.jobs[now.finished];
    const jobs = now.processing ? [{ job: job.id, worker_name: 'operator’s worker' }] : [];
    const delivered = request.jobs.slice(0, now.finished).map((j) => j.id);
    const text = JSON.stringify({ ...check(request), jobs, delivered });
    if (text !== seen.status) send('status', { ...ref, cancelled: false, ...JSON.parse(text) });
    seen.status = text;

    const step = `${job?.id} ${now.step}`;
    if (!now.processing || step === seen.step) return;
    seen.step = step;
    const preview = draw(64, 64, job.seed, 1 - now.step / request.steps).toString('base64');
    send('progress', {
      ...ref,
      job: job.id,
      worker_name: 'operator’s worker',
      step: now.step,
      steps: request.steps,
      elapsed: (now.step * stepTime) / 1000,
      step_seconds: stepTime / 1000,
      preview,
    });
  }
}

/** A breakdown as the horde gives it; the figures are made up. */
function price({ width, height, steps, n }) {
  const base = Math.round(((width * height * steps) / 1e6) * 1.3 * 100) / 100;
  const each = base + 1;
  const kudos = 3 + n * each;
  return {
    type: 'image',
    net: 'mock',
    basis: 'network',
    n,
    each,
    tax: 3,
    kudos,
    upfront: false,
    held: 0,
    charged: kudos,
    exact: true,
    floor: 25,
    width,
    height,
    steps,
    lines: [
      { code: 'network', text: 'One image by the price network mock.', kudos: base },
      { code: 'burn', text: 'Taken out of circulation with each delivery.', add: 1, kudos: each },
      { code: 'n', text: `${n} of them.`, factor: n, kudos: n * each },
      { code: 'acceptance', text: 'For taking the request into the queue.', add: 3, kudos },
    ],
    notes: ['Nothing is set aside: each delivery is charged when it comes.'],
  };
}

function accept(body, json, onlyPrice = false) {
  const { prompt = '', params = {}, models = [] } = body;
  if (prompt.includes('wrong')) {
    return json(400, {
      message: 'Input payload validation failed',
      errors: {
        'params.steps': '501 is greater than the maximum of 500',
        'params.width': '500 is not a multiple of 64',
        webhook: 'too short',
      },
    });
  }

  if (onlyPrice) return json(200, price(params));
  if (prompt.includes('refuse')) {
    return json(403, {
      rc: 'KudosUpfront',
      message:
        'Due to heavy demand, for requests over 576x576 or over 50 steps the client needs to already ' +
        'have the required kudos. This request requires 38.2 kudos to fulfil.',
    });
  }

  const request = {
    id: randomUUID(),
    at: Date.now(),
    prompt,
    models,
    steps: params.steps,
    jobs: Array.from({ length: params.n }, (_, i) => ({
      id: randomUUID(),
      seed: params.seed ? hash(params.seed) + i : hash(prompt) + i,
      width: params.width,
      height: params.height,
    })),
  };
  requests.set(request.id, request);
  json(202, {
    id: request.id,
    kudos: 10,
    ...(process.env.MOCK_EMPTY && {
      message:
        'Warning: No available workers can fulfill this request. It will expire in 20 minutes unless a worker appears.',
    }),
  });
}

const models = () =>
  process.env.MOCK_EMPTY
    ? []
    : [
        { name: 'horde_pocket', count: 2, performance: 1_450_000, queued: 6_300_000, jobs: 1, eta: 4, type: 'image' },
        { name: 'Deliberate', count: 1, performance: 9_100_000, queued: 0, jobs: 0, eta: 0, type: 'image' },
      ];

function serveFile(path, response) {
  const name = path === '/' ? '/index.html' : path;
  try {
    const body = readFileSync(join(process.env.MOCK_DIST, name));
    response.writeHead(200, { 'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream' }).end(body);
  } catch {
    response.writeHead(404, { 'Content-Type': 'application/json' }).end('{"message":"Not found","rc":"NotFound"}');
  }
}

createServer(async (incoming, response) => {
  const json = (code, body) =>
    response.writeHead(code, { 'Content-Type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
  const url = new URL(incoming.url, `http://${incoming.headers.host}`);
  let text = '';
  for await (const part of incoming) text += part;

  const route = `${incoming.method} ${url.pathname}`;
  const id = url.pathname.split('/').find((part) => requests.has(part));
  const request = requests.get(id);

  if (route === 'POST /api/v2/generate/async') return accept(JSON.parse(text), json);
  if (route === 'POST /api/ext/v1/kudos/price') return accept(JSON.parse(text), json, true);

  if (route === 'GET /api/v2/status/models') return json(200, models());
  if (route === 'GET /api/v2/status/heartbeat')
    return json(200, { message: 'OK', version: '5.1.5', db_connection: true });
  if (route === 'GET /api/v2/status/modes')
    return json(200, { maintenance_mode: Boolean(process.env.MOCK_MAINTENANCE), invite_only_mode: false });
  if (route === 'GET /api/v2/status/performance') {
    return json(200, {
      queued_requests: 3,
      worker_count: process.env.MOCK_EMPTY ? 0 : 2,
      thread_count: process.env.MOCK_EMPTY ? 0 : 3,
      text_worker_count: 0,
      interrogator_count: 0,
      queued_megapixelsteps: 12.4,
      past_minute_megapixelsteps: 88.1,
    });
  }

  if (route === 'GET /api/v2/find_user') {
    if (incoming.headers.apikey === 'bad')
      return json(401, {
        message: 'No user matching sent API Key. Have you remembered to register at https://aihorde.net/register ?',
        rc: 'InvalidAPIKey',
      });
    if (incoming.headers.apikey === '0000000000')
      return json(200, { username: 'Anonymous#0', id: 0, kudos: -50, concurrency: 500 });
    return json(200, { username: 'maria#17', id: 17, kudos: 10432.5, concurrency: 30, trusted: true, worker_count: 1 });
  }
  if (route === 'GET /api/ext/v1/kudos/history') {
    return json(200, {
      username: 'maria#17',
      kudos: 10432.5,
      unpaid: { day: '2026-11-25', earned: 1240.5, bound: 5_000_000 },
      movements: [
        {
          kind: 'work',
          at: '2026-11-25T09:00:00Z',
          text: 'Image delivered, Deliberate by your worker "attic"',
          amount: 9.3,
          balance: 10432.5,
        },
        {
          kind: 'request',
          at: '2026-11-25T08:58:00Z',
          text: `Request ${randomUUID()}: accepted, 2 deliveries`,
          amount: -20.6,
          balance: 10423.2,
        },
      ],
    });
  }

  if (url.pathname.startsWith('/blobs/')) {
    const job = [...requests.values()].flatMap((r) => r.jobs).find((j) => url.pathname.includes(j.id));
    if (!job) return json(404, { message: 'gone' });
    const body = imageOf(job);
    return response
      .writeHead(200, {
        'Content-Type': body[0] === 0x52 ? 'image/webp' : 'image/png',
        'Access-Control-Allow-Origin': '*',
      })
      .end(body);
  }

  if (route === 'GET /api/ext/v1/events') {
    const ids = (url.searchParams.get('ids') ?? '').split(',').filter(Boolean);
    const unwanted = ids.some((one) => requests.get(one)?.prompt.includes('nostream'));
    return unwanted ? json(404, { message: 'no stream' }) : events(ids, response, url.origin);
  }

  if (url.pathname.startsWith('/api/')) {
    if (!request)
      return json(404, {
        message: `Image Waiting Prompt with ID '${url.pathname.split('/').at(-1)}' not found.`,
        rc: 'RequestNotFound',
      });
    if (route.startsWith('GET /api/v2/generate/check/')) return json(200, check(request));
    if (route.startsWith('GET /api/v2/generate/status/')) return json(200, status(request, url.origin));
    if (incoming.method === 'DELETE') {
      const before = status(request, url.origin);
      request.cancelled = true;
      return json(200, before);
    }
  }
  serveFile(url.pathname, response);
}).listen(port, '127.0.0.1', () => console.log(`mock horde on http://127.0.0.1:${port}`));
