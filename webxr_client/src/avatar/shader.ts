/**
 * `text` with `from` replaced once by `to`. A shader that lacks `from` (another three.js) stays as it is: a plainer
 * look is better than none.
 */
export function replaced(text: string, from: string, to: string): string {
  return text.includes(from) ? text.replace(from, () => to) : text
}
