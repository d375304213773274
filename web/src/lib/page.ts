// Ways around the page.

/** Opens the account menu where the API key is typed. */
export function showAccountMenu(): void {
  document.getElementById('account')?.showPopover();
  document.getElementById('apikey')?.focus();
}
