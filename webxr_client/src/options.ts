import type { Quality } from './avatar/materials'
import type { TransportChoice } from './session'
import { SCENES, type SceneName } from './stage/set'

/** What the page's address asks for. */
export interface Options {
  character: string
  scene: SceneName
  room: string
  token: string
  begin: boolean
  transport: TransportChoice
  emulator: boolean
  take: string
  quality: Quality | null
  /** At most so many pictures a second; 0: as many as the screen shows. */
  pictures: number
}

export function readOptions(search: string): Options {
  const query = new URLSearchParams(search)
  const pick = <T extends string>(name: string, allowed: readonly T[]): T | null =>
    allowed.find(each => each === query.get(name)) ?? null
  return {
    character: query.get('character') ?? '',
    scene: pick('scene', SCENES) ?? 'study',
    room: query.get('room') ?? '',
    token: query.get('token') ?? '',
    begin: query.has('begin'),
    transport: pick('transport', ['auto', 'rtc', 'ws'] as const) ?? 'auto',
    emulator: query.get('xr') === 'iwer',
    take: query.get('take') ?? '',
    pictures: Math.max(0, Number(query.get('pictures')) || 0),
    quality: pick('quality', ['low', 'medium', 'high'] as const),
  }
}
