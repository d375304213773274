// The typed client of the horde's API: the shapes of /api/v2 that the page
// uses, the few of /api/ext/v1, and one class that speaks them.

import type { components as beyond } from './gen/beyond';
import type { components as contract } from './gen/contract';

type Contract = contract['schemas'];
type Beyond = beyond['schemas'];

/** The API key that anybody may use. */
export const ANONYMOUS = '0000000000';

/** Body of POST /generate/async, as far as the page sends it. */
export interface ImageRequest {
  prompt: string;
  params: ImageParams;
  /** [] means: any model that a worker has. */
  models: string[];
  nsfw: boolean;
  censor_nsfw: boolean;
  r2: boolean;
  slow_workers: boolean;
  /** Too dear a request is made smaller instead of refused. */
  allow_downgrade?: boolean;
  dry_run?: boolean;
  /** Base64 without a data: prefix. */
  source_image?: string;
  source_processing?: 'img2img';
}

export interface ImageParams {
  steps: number;
  n: number;
  width: number;
  height: number;
  sampler_name: string;
  cfg_scale: number;
  karras: boolean;
  seed?: string;
  denoising_strength?: number;
}

/** The 202 answer to a request. */
export type Accepted = Contract['RequestAsync'];

/** One step of a price: the factor or the addition, and what comes out. */
export type PriceLine = Beyond['PriceLine'];

/** Answer of POST /api/ext/v1/kudos/price, as far as the page shows it. */
/** Width, height and steps are smaller than asked for where allow_downgrade made them so. */
export type Price = Pick<
  Beyond['Price'],
  'kudos' | 'charged' | 'exact' | 'floor' | 'lines' | 'notes' | 'width' | 'height' | 'steps'
>;

/** Answer of GET /generate/check/{id}. Times are seconds. */
export type Check = Contract['RequestStatusCheck'];

export type Metadatum = Contract['GenerationMetadataStable'];

/** An image that is there: img is its URL, or its base64 text. */
export type Generation = Contract['GenerationStable'];

/** Answer of GET and DELETE /generate/status/{id}. */
export type ImageStatus = Contract['RequestStatusStable'];

/** One job's progress, from the event stream. preview is base64. */
export interface JobProgress {
  job: string;
  worker_name: string;
  step: number;
  steps: number;
  preview?: string;
  /** Seconds from handing out the job to this step. */
  elapsed?: number;
  /** Seconds that one step takes. */
  step_seconds?: number;
}

/** How far a request is, as its events tell it; a check lacks what is optional. */
export interface RequestStatus extends Check {
  /** Nothing more is handed out; what jobs lists is still delivered and charged. */
  cancelled?: boolean;
  /** The jobs that workers have now. Another attempt has another id. */
  jobs?: { job: string; worker_name: string }[];
  /** Ids of the jobs whose results are there. */
  delivered?: string[];
}

/** The last event of a request. */
export interface RequestEnd extends ImageStatus {
  cancelled?: boolean;
}

export type ActiveModel = Contract['ActiveModel'];

export type Performance = Pick<
  Contract['HordePerformance'],
  | 'queued_requests'
  | 'worker_count'
  | 'thread_count'
  | 'queued_megapixelsteps'
  | 'past_minute_megapixelsteps'
  | 'text_worker_count'
  | 'interrogator_count'
>;

export interface Heartbeat {
  /** "OK", or in a word what is wrong. */
  message: string;
  version: string;
  db_connection?: boolean;
}

/** Switches of the whole horde that everybody may see. */
export interface Modes {
  maintenance_mode: boolean;
  invite_only_mode: boolean;
}

/** The account behind a key, as far as the page shows it. */
export type User = Pick<Contract['UserDetails'], 'username' | 'id' | 'kudos' | 'concurrency'> &
  Partial<Pick<Contract['UserDetails'], 'trusted' | 'moderator' | 'worker_count'>>;

/** One movement of an account's kudos, as far as the page shows it. */
export type Movement = Pick<Beyond['KudosMovement'], 'at' | 'text' | 'amount' | 'balance'>;

/** A refusal of the horde, or (status 0) no answer at all. */
export class HordeError extends Error {
  constructor(
    message: string,
    readonly status: number,
    /** Return code, such as KudosUpfront; '' where the horde sends none. */
    readonly rc = '',
    /** Dotted path of a field → what is wrong with it. */
    readonly fields: Record<string, string> = {},
    /** Seconds to wait, 0 if not said. */
    readonly retryAfter = 0,
  ) {
    super(message);
    this.name = 'HordeError';
  }
}

type Fetch = typeof fetch;

/** How long a call may take, ms: what is sent may be large, what is asked for is not. */
const SEND_TIME = 60_000;
const READ_TIME = 20_000;

/** A signal that fires with another one, or after a time (ms). */
export function withTimeout(outer: AbortSignal | undefined, ms: number) {
  const own = new AbortController();
  let late = false;
  const pass = () => own.abort(outer?.reason);
  const timer = setTimeout(() => {
    late = true;
    own.abort();
  }, ms);
  if (outer?.aborted) pass();
  outer?.addEventListener('abort', pass);
  return {
    signal: own.signal,
    timedOut: () => late,
    clear() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', pass);
    },
  };
}

/** Horde calls one server. apikey is asked anew for each call. */
export class Horde {
  constructor(
    private readonly apikey: () => string,
    private readonly agent: string,
    private readonly base = '',
    private readonly fetcher: Fetch = (...args) => fetch(...args),
  ) {}

  generate(body: ImageRequest, signal?: AbortSignal): Promise<Accepted> {
    return this.call('POST', '/api/v2/generate/async', { body: { ...body, dry_run: false }, signal });
  }

  /** What the request would cost, line by line. */
  price(body: ImageRequest, signal?: AbortSignal): Promise<Price> {
    return this.call('POST', '/api/ext/v1/kudos/price?type=image', { body, signal });
  }

  check(id: string, signal?: AbortSignal): Promise<Check> {
    return this.call('GET', `/api/v2/generate/check/${encodeURIComponent(id)}`, { signal });
  }

  status(id: string, signal?: AbortSignal): Promise<ImageStatus> {
    return this.call('GET', `/api/v2/generate/status/${encodeURIComponent(id)}`, { signal });
  }

  /** Cancels what is not painted yet; the answer holds what is. */
  cancel(id: string): Promise<ImageStatus> {
    return this.call('DELETE', `/api/v2/generate/status/${encodeURIComponent(id)}`);
  }

  /**
   * Opens the stream of the events of several requests. The caller reads its body, and
   * ends it by the signal.
   */
  async events(ids: string[], signal: AbortSignal): Promise<Response> {
    const headers = { Accept: 'text/event-stream', 'Client-Agent': this.agent };
    const response = await this.send(`/api/ext/v1/events?ids=${ids.map(encodeURIComponent).join(',')}`, { headers, signal });
    if (!response.ok) throw refusal(response, await response.json().catch(() => undefined));
    return response;
  }

  models(): Promise<ActiveModel[]> {
    return this.call('GET', '/api/v2/status/models?type=image');
  }

  performance(): Promise<Performance> {
    return this.call('GET', '/api/v2/status/performance');
  }

  heartbeat(): Promise<Heartbeat> {
    return this.call('GET', '/api/v2/status/heartbeat');
  }

  modes(): Promise<Modes> {
    return this.call('GET', '/api/v2/status/modes');
  }

  findUser(apikey: string, signal?: AbortSignal): Promise<User> {
    return this.call('GET', '/api/v2/find_user', { apikey, signal });
  }

  /** The newest movements of the kudos of the key's account, the newest first. */
  async history(apikey: string, limit: number, signal?: AbortSignal): Promise<Movement[]> {
    const page = await this.call<{ movements: Movement[] }>('GET', `/api/ext/v1/kudos/history?limit=${limit}`, { apikey, signal });
    return page.movements;
  }

  private async call<T>(
    method: string,
    path: string,
    options: { body?: unknown; apikey?: string; signal?: AbortSignal } = {},
  ): Promise<T> {
    const headers: Record<string, string> = { Accept: 'application/json', 'Client-Agent': this.agent };
    // Reading a request needs no key, so none is shown.
    if (options.body !== undefined || options.apikey !== undefined) {
      headers.apikey = options.apikey ?? this.apikey();
    }
    if (options.body !== undefined) headers['Content-Type'] = 'application/json';

    // Browsers have few connections to one server: a call that gets no answer must not
    // keep one for ever.
    const patience = options.body === undefined ? READ_TIME : SEND_TIME;
    const limit = withTimeout(options.signal, patience);
    try {
      const response = await this.send(path, {
        method,
        headers,
        body: options.body === undefined ? undefined : JSON.stringify(options.body),
        signal: limit.signal,
      });
      const answer = await response.json().catch(() => undefined);
      if (limit.timedOut()) throw new HordeError('', 0);
      if (!response.ok) throw refusal(response, answer);
      if (answer === undefined) throw new HordeError('The horde sent an answer that is not JSON.', response.status);
      return answer as T;
    } catch (error) {
      if (limit.timedOut()) throw new HordeError(`The horde did not answer within ${patience / 1000} seconds.`, 0);
      throw error;
    } finally {
      limit.clear();
    }
  }

  private async send(path: string, init: RequestInit): Promise<Response> {
    try {
      return await this.fetcher(this.base + path, init);
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new HordeError('No connection to the server.', 0);
    }
  }
}

function refusal(response: Response, answer: unknown): HordeError {
  const body = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  const fields: Record<string, string> = {};
  if (typeof body.errors === 'object' && body.errors !== null) {
    for (const [path, text] of Object.entries(body.errors)) fields[path] = String(text);
  }
  const message = typeof body.message === 'string' && body.message ? body.message : `HTTP status ${response.status}.`;
  const wait = Number(response.headers.get('Retry-After'));
  return new HordeError(
    message,
    response.status,
    typeof body.rc === 'string' ? body.rc : '',
    fields,
    Number.isFinite(wait) && wait > 0 ? wait : 0,
  );
}
