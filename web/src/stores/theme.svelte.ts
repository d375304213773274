// Light or dark: the system's preference until the visitor chooses.
// public/theme.js applies the choice before anything is drawn.

import { load, store } from '../lib/storage';

const system = matchMedia('(prefers-color-scheme: dark)');

class Theme {
  chosen = $state(load('theme') ?? '');
  #systemDark = $state(system.matches);
  readonly dark = $derived(this.chosen ? this.chosen === 'dark' : this.#systemDark);

  constructor() {
    system.addEventListener('change', (event) => (this.#systemDark = event.matches));
  }

  toggle(): void {
    const wanted = this.dark ? 'light' : 'dark';
    // What the system wants anyway needs no choice, and then follows it again.
    this.chosen = (wanted === 'dark') === this.#systemDark ? '' : wanted;
    store('theme', this.chosen);
    if (this.chosen) document.documentElement.dataset.theme = this.chosen;
    else delete document.documentElement.dataset.theme;
  }
}

export const theme = new Theme();
