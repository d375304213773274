// Applies the chosen theme before anything is drawn; see src/theme.svelte.ts.
try {
  const theme = localStorage.getItem('horde.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the system's preference holds.
}
