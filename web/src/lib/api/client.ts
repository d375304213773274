// The client of the horde's API: one class that speaks it, and the error that it throws.

import { withTimeout } from '../timeout';
import type {
  Accepted,
  ActiveModel,
  Check,
  Heartbeat,
  History,
  ImageRequestBody,
  ImageStatus,
  LoraInfo,
  Modes,
  Performance,
  Price,
  ReturnCode,
  TextRequestBody,
  TextStatus,
  TextWorker,
  User,
  Webhooks,
  WebhookSecret,
} from './types';

/** The API key that anybody may use. */
export const ANONYMOUS_KEY = '0000000000';

/** How long a call with a body, which may be large, and one without may take, ms. */
const SEND_TIMEOUT = 60_000;
const READ_TIMEOUT = 20_000;

/** A refusal of the horde, or (status 0) no answer at all. */
export class HordeError extends Error {
  constructor(
    message: string,
    readonly status: number,
    /** Return code, such as KudosUpfront; '' where the horde sends none. */
    readonly rc: ReturnCode | '' = '',
    /** Dotted path of a field → what is wrong with it. */
    readonly fields: Record<string, string> = {},
    /** Seconds to wait, 0 if not said. */
    readonly retryAfter = 0,
  ) {
    super(message);
    this.name = 'HordeError';
  }

  /** Whether the server gave no answer, as opposed to a refusal. */
  get unanswered(): boolean {
    return this.status === 0;
  }
}

type Fetch = typeof fetch;

interface CallOptions {
  body?: unknown;
  /** The key to show instead of the visitor's. */
  apikey?: string;
  signal?: AbortSignal;
}

/** Calls one server. apikey is asked anew for each call. */
export class HordeClient {
  constructor(
    private readonly apikey: () => string,
    private readonly agent: string,
    private readonly base = '',
    private readonly fetcher: Fetch = (...args) => fetch(...args),
  ) {}

  generate(body: ImageRequestBody, signal?: AbortSignal): Promise<Accepted> {
    return this.call('POST', '/api/v2/generate/async', { body: { ...body, dry_run: false }, signal });
  }

  /** The LoRAs of the built-in model. */
  loras(): Promise<LoraInfo[]> {
    return this.call('GET', '/api/ext/v1/loras');
  }

  /** What the request would cost, line by line. */
  price(body: ImageRequestBody, signal?: AbortSignal): Promise<Price> {
    return this.call('POST', '/api/ext/v1/kudos/price?type=image', { body, signal });
  }

  check(id: string, signal?: AbortSignal): Promise<Check> {
    return this.call('GET', `/api/v2/generate/check/${encodeURIComponent(id)}`, { signal });
  }

  status(id: string, signal?: AbortSignal): Promise<ImageStatus> {
    return this.call('GET', `/api/v2/generate/status/${encodeURIComponent(id)}`, { signal });
  }

  /** Cancels what is not generated yet; the answer holds what is. */
  cancel(id: string): Promise<ImageStatus> {
    return this.call('DELETE', `/api/v2/generate/status/${encodeURIComponent(id)}`);
  }

  generateText(body: TextRequestBody, signal?: AbortSignal): Promise<Accepted> {
    return this.call('POST', '/api/v2/generate/text/async', { body: { ...body, dry_run: false }, signal });
  }

  /** What the text would cost, line by line. */
  textPrice(body: TextRequestBody, signal?: AbortSignal): Promise<Price> {
    return this.call('POST', '/api/ext/v1/kudos/price?type=text', { body, signal });
  }

  textStatus(id: string, signal?: AbortSignal): Promise<TextStatus> {
    return this.call('GET', `/api/v2/generate/text/status/${encodeURIComponent(id)}`, { signal });
  }

  /** Cancels what is not generated yet; the answer holds what is. */
  cancelText(id: string): Promise<TextStatus> {
    return this.call('DELETE', `/api/v2/generate/text/status/${encodeURIComponent(id)}`);
  }

  /** The workers that generate text. */
  textWorkers(signal?: AbortSignal): Promise<TextWorker[]> {
    return this.call('GET', '/api/v2/workers?type=text', { signal });
  }

  /**
   * Opens the stream of the events of several requests. The caller reads its body, and
   * ends it by the signal.
   */
  async events(ids: string[], signal: AbortSignal): Promise<Response> {
    const headers = { Accept: 'text/event-stream', 'Client-Agent': this.agent };
    const list = ids.map(encodeURIComponent).join(',');
    const response = await this.send(`/api/ext/v1/events?ids=${list}`, { headers, signal });

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

  /** The newest movements of the kudos of the key's account, the newest first, and what it earned unpaid today. */
  history(apikey: string, limit: number, signal?: AbortSignal): Promise<History> {
    return this.call('GET', `/api/ext/v1/kudos/history?limit=${limit}`, { apikey, signal });
  }

  /** The newest webhooks of the key's account that were not taken, and how many there are. */
  webhooks(apikey: string, limit: number): Promise<Webhooks> {
    return this.call('GET', `/api/ext/v1/webhooks?limit=${limit}`, { apikey });
  }

  /** Has a webhook of the key's account sent again that failed. */
  async replayWebhook(apikey: string, id: string): Promise<void> {
    await this.call('POST', `/api/ext/v1/webhooks/${encodeURIComponent(id)}/replay`, { apikey });
  }

  /** Gets a new secret that webhooks of the key's account are signed with. */
  async newWebhookSecret(apikey: string): Promise<string> {
    const { secret } = await this.call<WebhookSecret>('POST', '/api/ext/v1/webhooks/secret', { apikey });
    return secret;
  }

  private async call<T>(method: string, path: string, { body, apikey, signal }: CallOptions = {}): Promise<T> {
    const headers: Record<string, string> = { Accept: 'application/json', 'Client-Agent': this.agent };
    // Reading a request needs no key, so none is shown.
    if (body !== undefined || apikey !== undefined) headers.apikey = apikey ?? this.apikey();
    if (body !== undefined) headers['Content-Type'] = 'application/json';

    // Browsers have few connections to one server: a call that gets no answer must not
    // keep one for ever.
    const timeout = body === undefined ? READ_TIMEOUT : SEND_TIMEOUT;
    const limit = withTimeout(signal, timeout);
    try {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const response = await this.send(path, { method, headers, body: text, signal: limit.signal });
      const answer = await response.json().catch(() => undefined);

      if (limit.timedOut()) throw new HordeError('', 0);
      if (!response.ok) throw refusal(response, answer);
      if (answer === undefined) throw new HordeError('The horde sent an answer that is not JSON.', response.status);
      return answer as T;
    } catch (error) {
      if (limit.timedOut()) throw new HordeError(`The horde did not answer within ${timeout / 1000} seconds.`, 0);
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

// What a refusal says, as far as its body can be read: a proxy in between may have
// answered in the server's place.
function refusal(response: Response, answer: unknown): HordeError {
  const body = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  const message = typeof body.message === 'string' && body.message ? body.message : `HTTP status ${response.status}.`;
  const rc = typeof body.rc === 'string' ? (body.rc as ReturnCode) : '';

  const fields: Record<string, string> = {};
  if (typeof body.errors === 'object' && body.errors !== null) {
    for (const [path, text] of Object.entries(body.errors)) fields[path] = String(text);
  }

  const wait = Number(response.headers.get('Retry-After'));
  return new HordeError(message, response.status, rc, fields, Number.isFinite(wait) && wait > 0 ? wait : 0);
}
