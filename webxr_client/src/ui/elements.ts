/** The page's elements by id; one that is missing is a defect of the page and says so at once. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`index.html has no #${id} of the kind that main.ts expects`)
  return found
}
