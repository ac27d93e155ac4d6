import './ui/page.css'
import { App } from './app'
import { exposeDebug } from './debug'
import { readOptions } from './options'

const options = readOptions(location.search)
if (options.emulator) await (await import('./xr-emulator')).installEmulator()

const app = new App(options)
exposeDebug(app)
if (import.meta.env.DEV) Object.assign(window, { app })
await app.start()
