/** Copies the text of a box, or selects it where the page may not; says which. */
export async function copyText(text: HTMLTextAreaElement, status: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(text.value);
    status.textContent = 'The report is in the clipboard.';
  } catch {
    text.select();
    status.textContent = 'The report is selected: copy it from the box.';
  }
}
