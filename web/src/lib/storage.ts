// Small settings kept in the browser. Where storage is blocked (private
// windows, strict settings) they last as long as the page.

const memory = new Map<string, string>();

export function load(name: string): string | null {
  try {
    return localStorage.getItem(`horde.${name}`);
  } catch {
    return memory.get(name) ?? null;
  }
}

/** Keeps text under a name; '' forgets it. */
export function store(name: string, text: string): void {
  try {
    if (text) localStorage.setItem(`horde.${name}`, text);
    else localStorage.removeItem(`horde.${name}`);
  } catch {
    memory.set(name, text);
  }
}

/** What was kept as JSON; the fallback if there is nothing usable. */
export function loadJSON<T>(name: string, fallback: T): T {
  try {
    return (JSON.parse(load(name) ?? '') as T) ?? fallback;
  } catch {
    return fallback;
  }
}
