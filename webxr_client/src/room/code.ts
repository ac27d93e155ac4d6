/** What somebody typed as a room's code or name, without blanks and in small letters. */
export function readCode(typed: string): string {
  return typed.toLowerCase().replace(/[\s_]+/g, '')
}

/** A code in two halves, as one reads it out. */
export function spacedCode(code: string): string {
  return code.length === 6 ? `${code.slice(0, 3)} ${code.slice(3)}` : code
}

/** The address that leads others into the room: this page's own, without what is personal. */
export function inviteLink(page: string, room: string, scene: string): string {
  const address = new URL('/', page)
  if (scene !== 'study') address.searchParams.set('scene', scene)
  address.searchParams.set('room', room)
  return address.toString()
}
