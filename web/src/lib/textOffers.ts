// What the text workers online offer: which models, and how long texts may be.

import type { TextWorker } from './api/types';
import { LENGTHS } from './textSettings';

/** A model that workers serve. */
export interface TextModel {
  name: string;
  /** Texts that its workers generate at once. */
  threads: number;
}

/** Tokens that the model reads unless the request is long or nobody offers so many. */
const USUAL_CONTEXT = 2048;
/** Tokens that are left for the prompt of a long text. */
const PROMPT_ROOM = 1024;

/** The workers that take requests of others. */
function servingWorkers(workers: TextWorker[]): TextWorker[] {
  return workers.filter((worker) => worker.online && !worker.maintenance_mode && worker.models?.length);
}

/** The models that workers serve: those with the most threads first. */
export function textModels(workers: TextWorker[]): TextModel[] {
  const threads = new Map<string, number>();
  for (const worker of servingWorkers(workers)) {
    for (const name of worker.models ?? []) threads.set(name, (threads.get(name) ?? 0) + worker.threads);
  }
  return [...threads]
    .map(([name, n]) => ({ name, threads: n }))
    .sort((a, b) => b.threads - a.threads || a.name.localeCompare(b.name));
}

/**
 * The most tokens that somebody generates with a model ('': any); the API's limit where
 * nobody serves it.
 */
export function longestText(workers: TextWorker[], model: string): number {
  const lengths = workersFor(workers, model).map((worker) => worker.max_length ?? 0);
  return Math.min(LENGTHS.max, Math.max(0, ...lengths)) || LENGTHS.max;
}

/**
 * The most tokens of prompt and text together that a request should ask for: not more
 * than a worker that generates so long a text with the model reads, since nobody else
 * would take it, and never less than the text has.
 */
export function contextFor(workers: TextWorker[], model: string, length: number): number {
  const wanted = Math.max(USUAL_CONTEXT, length + PROMPT_ROOM);
  const offered = workersFor(workers, model)
    .filter((worker) => (worker.max_length ?? 0) >= length)
    .map((worker) => worker.max_context_length ?? 0);
  if (offered.length === 0) return wanted;
  return Math.max(length, Math.min(wanted, Math.max(...offered)));
}

function workersFor(workers: TextWorker[], model: string): TextWorker[] {
  return servingWorkers(workers).filter(({ models }) => !model || models?.includes(model));
}
