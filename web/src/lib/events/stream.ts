// Reads a stream of server-sent events.

import { HordeError } from '../api/client';

export interface StreamEvent {
  /** '' for the server's signs of life. */
  name: string;
  data: string;
}

/** The events of a stream. onChunk is called whenever bytes come, whole events or not. */
export async function* eventsOf(response: Response, onChunk: () => void): AsyncGenerator<StreamEvent> {
  if (!response.body || !response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
    throw new HordeError('This horde has no event stream.', response.status);
  }

  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onChunk();

      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop()!;
      for (const block of blocks) yield parseEvent(block);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parseEvent(block: string): StreamEvent {
  let name = '';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field, value] = /^(event|data): ?(.*)$/.exec(line) ?? [];
    if (field === 'event') name = value!;
    if (field === 'data') data.push(value!);
  }
  return { name, data: data.join('\n') };
}
