// Names for the shapes of the API that the page uses. All of them are made from the
// server's own documents (src/gen); where the page needs less than a shape has, it
// picks members, so that a renamed member fails the type check.

import type { components as contractComponents, operations as contractOperations } from '../../gen/contract';
import type { components as extensionComponents } from '../../gen/extensions';

type Contract = contractComponents['schemas'];
type Extensions = extensionComponents['schemas'];

/** Members whose value the page always sends. */
type Sent<T, K extends keyof T> = Required<Pick<T, K>>;

/** Parameters of an image request, as far as the page sends them. */
export type ImageParams = Sent<
  Contract['ModelGenerationInputStable'],
  'steps' | 'n' | 'width' | 'height' | 'sampler_name' | 'cfg_scale' | 'karras'
> &
  Pick<Contract['ModelGenerationInputStable'], 'seed' | 'denoising_strength' | 'loras'>;

export type Sampler = ImageParams['sampler_name'];

/** Body of POST /generate/async, as far as the page sends it. Models []: any. */
export type ImageRequestBody = Sent<
  Contract['GenerationInputStable'],
  'prompt' | 'models' | 'nsfw' | 'censor_nsfw' | 'r2' | 'slow_workers'
> &
  Pick<Contract['GenerationInputStable'], 'allow_downgrade' | 'dry_run' | 'source_image' | 'source_processing'> & {
    params: ImageParams;
  };

/** Parameters of a text request, as far as the page sends them. Lengths are tokens. */
export type TextParams = Sent<Contract['ModelGenerationInputKobold'], 'n' | 'max_length' | 'max_context_length'> &
  Pick<Contract['ModelGenerationInputKobold'], 'stop_sequence'>;

/** Body of POST /generate/text/async, as far as the page sends it. Models []: any. */
export type TextRequestBody = Sent<Contract['GenerationInputKobold'], 'prompt' | 'models' | 'slow_workers'> &
  Pick<Contract['GenerationInputKobold'], 'allow_downgrade' | 'dry_run'> & { params: TextParams };

/** The 202 answer to a request. */
export type Accepted = Contract['RequestAsync'];

/** Answer of GET /generate/check/{id}. Times are seconds. */
export type Check = Contract['RequestStatusCheck'];

/** An image that is there: img is its URL, or its base64 text. */
export type Generation = Contract['GenerationStable'];

/** Answer of GET and DELETE /generate/status/{id}. */
export type ImageStatus = Contract['RequestStatusStable'];

/** Answer of GET and DELETE /generate/text/status/{id}. */
export type TextStatus = Contract['RequestStatusKobold'];

/** What the page keeps of an event: which request it is about, and of what kind, is known. */
type EventData<T> = Omit<T, 'request' | 'type'>;

/** How far a request is: an event's data, or a check, which lacks what is optional. */
export type RequestStatus = Check & Partial<EventData<Extensions['RequestStatus']>>;

/** The progress of one job. preview is base64. */
export type JobProgress = EventData<Extensions['RequestProgress']>;

/** The last event of a request; an answer to a status call lacks `cancelled`. */
export type RequestEnd = ImageStatus & Partial<Pick<Extensions['ImageRequestEnd'], 'cancelled'>>;

/** The last event of a text request; an answer to a status call lacks `cancelled`. */
export type TextEnd = TextStatus & Partial<Pick<Extensions['TextRequestEnd'], 'cancelled'>>;

/** The event of a request that the horde does not know, or not any more. */
export type RequestGone = Extensions['RequestGone'];

/** One line of a price: a factor or an addition, and what comes out. */
export type PriceLine = Extensions['PriceLine'];

/**
 * Answer of POST /api/ext/v1/kudos/price, as far as the page shows it. Width, height and
 * steps are smaller than asked for where allow_downgrade made them so.
 */
export type Price = Pick<
  Extensions['Price'],
  'kudos' | 'charged' | 'exact' | 'floor' | 'lines' | 'notes' | 'width' | 'height' | 'steps'
>;

/** One movement of an account's kudos, as far as the page shows it. */
export type Movement = Pick<Extensions['KudosMovement'], 'at' | 'text' | 'amount' | 'balance'>;

/** Answer of GET /api/ext/v1/kudos/history, as far as the page reads it. */
export type History = Pick<Extensions['KudosHistory'], 'movements' | 'unpaid'>;

/** Answer of GET /api/ext/v1/webhooks, as far as the page reads it. */
export type Webhooks = Pick<Extensions['Webhooks'], 'webhooks' | 'pending' | 'failed' | 'dead' | 'secret_since'>;

/** Answer of POST /api/ext/v1/webhooks/secret. */
export type WebhookSecret = Extensions['WebhookSecret'];

/** A LoRA of the built-in model, as far as the page shows it. */
export type LoraInfo = Pick<Extensions['LoraInfo'], 'name' | 'title' | 'sample'>;

/** A text worker, as far as the page looks at it. Lengths are tokens. */
export type TextWorker = Pick<
  Contract['WorkerDetails'],
  'online' | 'maintenance_mode' | 'threads' | 'models' | 'max_length' | 'max_context_length'
>;

/** A model that is served or waited for. */
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

type HeartbeatAnswer = contractOperations['get_heartbeat']['responses'][200]['content']['application/json'];

/** Message is "OK", or says in a word what is wrong. */
export type Heartbeat = Pick<HeartbeatAnswer, 'message' | 'version'> & Partial<Pick<HeartbeatAnswer, 'db_connection'>>;

/** Switches of the whole horde that everybody may see. */
export type Modes = Pick<Contract['HordeModes'], 'maintenance_mode' | 'invite_only_mode'>;

/** The account behind a key, as far as the page shows it. */
export type User = Pick<Contract['UserDetails'], 'username' | 'kudos' | 'concurrency'> &
  Partial<Pick<Contract['UserDetails'], 'worker_count'>>;

/** Codes of refusals, which are the same for every version of the server's texts. */
export type ReturnCode = Contract['RequestError']['rc'];
