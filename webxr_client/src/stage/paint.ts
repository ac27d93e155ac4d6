import { CanvasTexture, RepeatWrapping, SRGBColorSpace } from 'three'

export function plaster(middle: number, edge: number): CanvasTexture {
  return paint(512, 512, context => {
    const gradient = context.createRadialGradient(256, 230, 40, 256, 256, 380)
    gradient.addColorStop(0, css(middle))
    gradient.addColorStop(1, css(edge))
    context.fillStyle = gradient
    context.fillRect(0, 0, 512, 512)
    mottle(context, 512)
  })
}

export function woodGrain(color: number): CanvasTexture {
  return paint(512, 512, context => {
    context.fillStyle = css(color)
    context.fillRect(0, 0, 512, 512)
    const random = lcg(color)
    for (let i = 0; i < 260; i++) {
      const y = random() * 512
      context.strokeStyle = random() < 0.5 ? 'rgba(0,0,0,0.10)' : 'rgba(255,225,180,0.05)'
      context.lineWidth = 0.5 + random() * 2
      context.beginPath()
      context.moveTo(0, y)
      context.bezierCurveTo(170, y + random() * 14 - 7, 340, y + random() * 14 - 7, 512, y + random() * 6 - 3)
      context.stroke()
    }
    for (let i = 0; i <= 4; i++) {
      context.fillStyle = 'rgba(0,0,0,0.35)'
      context.fillRect(0, i * 128 - 1, 512, 2)
    }
  })
}

/** A short pile, as of a carpet. */
export function woven(color: number): CanvasTexture {
  const texture = paint(256, 256, context => {
    context.fillStyle = css(color)
    context.fillRect(0, 0, 256, 256)
    speckle(context, 256, 9000, 0.09)
  })
  texture.wrapS = texture.wrapT = RepeatWrapping
  texture.repeat.set(10, 10)
  return texture
}

/** An overcast day behind a net curtain. */
export function windowLight(): CanvasTexture {
  return paint(256, 384, context => {
    const sky = context.createLinearGradient(0, 0, 0, 384)
    sky.addColorStop(0, '#eef2f4')
    sky.addColorStop(0.7, '#dfe4e2')
    sky.addColorStop(1, '#c3cabf')
    context.fillStyle = sky
    context.fillRect(0, 0, 256, 384)
    for (let x = 0; x < 256; x += 8) {
      context.fillStyle = `rgba(120,126,120,${0.05 + 0.05 * Math.sin(x / 13)})`
      context.fillRect(x, 0, 4, 384)
    }
  })
}

/** Cloth with a bulb behind it: brightest round its middle. */
export function lampshade(): CanvasTexture {
  return paint(64, 128, context => {
    const light = context.createLinearGradient(0, 0, 0, 128)
    for (const [at, color] of [
      [0, '#d9a560'],
      [0.45, '#ffe3b0'],
      [0.7, '#ffdca0'],
      [1, '#b9813f'],
    ] as const)
      light.addColorStop(at, color)
    context.fillStyle = light
    context.fillRect(0, 0, 64, 128)
    speckle(context, 64, 500, 0.05)
  })
}

/** What a lamp throws on the wall behind it. */
export function lamplight(): CanvasTexture {
  return paint(256, 256, context => {
    const light = context.createRadialGradient(128, 128, 4, 128, 128, 128)
    for (const [at, strength] of [
      [0, 0.62],
      [0.25, 0.34],
      [0.55, 0.12],
      [1, 0],
    ] as const)
      light.addColorStop(at, `rgba(255, 190, 105, ${strength})`)
    context.fillStyle = light
    context.fillRect(0, 0, 256, 256)
  })
}

export function chalkboard(): CanvasTexture {
  return paint(1024, 400, context => {
    context.fillStyle = '#26332c'
    context.fillRect(0, 0, 1024, 400)
    const random = lcg(5)
    // Wiped chalk: broad faint strokes.
    for (let i = 0; i < 40; i++) {
      context.strokeStyle = `rgba(230,238,230,${0.012 + random() * 0.02})`
      context.lineWidth = 20 + random() * 50
      context.beginPath()
      const x = random() * 1024
      const y = random() * 400
      context.moveTo(x, y)
      context.quadraticCurveTo(x + 120, y - 30, x + 240, y + random() * 50)
      context.stroke()
    }
    context.strokeStyle = 'rgba(235,238,228,0.55)'
    context.lineWidth = 2.5
    context.beginPath()
    context.moveTo(70, 330)
    context.lineTo(330, 330)
    context.moveTo(70, 330)
    context.lineTo(70, 120)
    for (let x = 0; x <= 240; x += 4) {
      const y = 330 - 190 * (1 - Math.exp(-x / 80)) * (0.9 + 0.1 * Math.sin(x / 17))
      if (x === 0) context.moveTo(70 + x, y)
      else context.lineTo(70 + x, y)
    }
    // Whoever teaches here has just done Pythagoras.
    context.moveTo(650, 210)
    context.lineTo(650, 125)
    context.lineTo(790, 210)
    context.closePath()
    context.rect(650, 198, 12, 12)
    context.stroke()
    context.fillStyle = 'rgba(238,240,230,0.72)'
    context.font = 'italic 25px Georgia, "Times New Roman", serif'
    for (const [words, x, y] of [
      ['a', 628, 176],
      ['b', 712, 236],
      ['c', 730, 158],
      ['a² + b² = c²', 650, 297],
    ] as const)
      context.fillText(words, x, y)
    context.strokeRect(634, 264, 176, 48)
  })
}

export function landscape(): CanvasTexture {
  return paint(256, 192, context => {
    const sky = context.createLinearGradient(0, 0, 0, 120)
    sky.addColorStop(0, '#59626a')
    sky.addColorStop(1, '#b39d79')
    context.fillStyle = sky
    context.fillRect(0, 0, 256, 192)
    const hill = (y: number, color: string, bend: number): void => {
      context.fillStyle = color
      context.beginPath()
      context.moveTo(0, 192)
      context.lineTo(0, y)
      context.bezierCurveTo(80, y - bend, 170, y + bend, 256, y - bend / 2)
      context.lineTo(256, 192)
      context.fill()
    }
    hill(112, '#4e5650', 22)
    hill(132, '#37402f', 30)
    hill(158, '#262c20', 16)
    speckle(context, 256, 1500, 0.06)
  })
}

/** Broad, faint clouds, as a hand-painted wall has them. */
function mottle(context: CanvasRenderingContext2D, size: number): void {
  const random = lcg(size)
  for (let i = 0; i < 90; i++) {
    const x = random() * size
    const y = random() * size
    const radius = 20 + random() * 70
    const cloud = context.createRadialGradient(x, y, 0, x, y, radius)
    const tone = random() < 0.5 ? '0,0,0' : '255,244,225'
    cloud.addColorStop(0, `rgba(${tone},0.035)`)
    cloud.addColorStop(1, `rgba(${tone},0)`)
    context.fillStyle = cloud
    context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius)
  }
}

function speckle(context: CanvasRenderingContext2D, size: number, count: number, alpha: number): void {
  const random = lcg(count)
  for (let i = 0; i < count; i++) {
    context.fillStyle =
      random() < 0.5 ? `rgba(0,0,0,${alpha * random()})` : `rgba(255,255,255,${alpha * random()})`
    context.fillRect(random() * size, random() * size, 1 + random() * 2.5, 1 + random() * 2.5)
  }
}

export function paint(
  width: number,
  height: number,
  draw: (context: CanvasRenderingContext2D) => void,
): CanvasTexture {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const context = brush(canvas)
  if (context) draw(context)
  const texture = new CanvasTexture(canvas)
  texture.colorSpace = SRGBColorSpace
  texture.anisotropy = 4
  return texture
}

/**
 * Paints on the processor: what is painted once and handed to WebGL gains nothing from the graphics, and where
 * these are software, their shaders for strokes, gradients and letters cost a newcomer most of a second.
 */
export function brush(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
  return canvas.getContext('2d', { willReadFrequently: true })
}

function css(color: number): string {
  return `#${color.toString(16).padStart(6, '0')}`
}

/** A small repeatable random source: sets look the same on every visit. */
export function lcg(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
