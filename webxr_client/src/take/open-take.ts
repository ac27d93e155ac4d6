import { JsonReader } from '../wire/json'
import { type CharacterInfo, readHeader, type StreamHeader } from '../wire/messages'
import { TakeError } from './npz'
import { Take } from './take'
import { TakePlayer } from './take-player'
import { checkTake } from './take-seals'

export interface OpenedTake {
  title: string
  player(context: AudioContext, ended: () => void): TakePlayer
}

/** Makes a take playable: its avatar, its mark and what its seals say. Throws TakeError. */
export async function openTake(
  bytes: Uint8Array,
  characters: readonly CharacterInfo[],
  serverKey: Uint8Array,
): Promise<OpenedTake> {
  const take = Take.read(bytes)
  const id = take.meta.text('character')
  const character = characters.find(each => each.id === id)
  if (!character) {
    throw new TakeError(
      `This take is of “${id}”, whom this server does not have. Add the character, then reload.`,
    )
  }
  const seals = await checkTake(take, serverKey)
  const name = take.meta.text('portrays') || character.name
  const header: StreamHeader = {
    ...readHeader(new JsonReader({})),
    avatar: 1,
    character: id,
    name,
    head: take.meta.text('head'),
    components: take.components,
    scales: take.components.map(() => 1),
    avatarUrl: character.avatarUrl,
    farAvatarUrl: character.farAvatarUrl,
    tag: {
      generated: take.meta.flag('generated'),
      character: id,
      portrays: name,
      drivenBy: take.meta.text('driver'),
      session: take.meta.text('session'),
      mark: take.meta.text('mark'),
    },
    session: take.meta.text('session'),
  }
  const seconds = take.voice.length / 48_000
  return {
    title: `${name}, a take of ${seconds.toFixed(1)} s, driven by: ${take.meta.text('driver') || 'unknown'}`,
    player: (context, ended) => new TakePlayer(take, header, seals, context, ended),
  }
}
