// Runs on the audio thread: cuts the microphone into blocks of 20 ms at 48 kHz.
const BLOCK = 960

class Capture extends AudioWorkletProcessor {
  block = new Float32Array(BLOCK)
  filled = 0

  process(inputs) {
    const channel = inputs[0]?.[0]
    if (!channel) return true
    for (let read = 0; read < channel.length;) {
      const count = Math.min(channel.length - read, BLOCK - this.filled)
      this.block.set(channel.subarray(read, read + count), this.filled)
      this.filled += count
      read += count
      if (this.filled === BLOCK) {
        this.port.postMessage(this.block.slice())
        this.filled = 0
      }
    }
    return true
  }
}

registerProcessor('capture', Capture)
