/** Puts an emulated Quest 3 in the place of the browser's WebXR, for tests (`?xr=iwer`). */
export async function installEmulator(): Promise<void> {
  const { metaQuest3, XRDevice } = await import('iwer')
  const device = new XRDevice(metaQuest3)
  device.installRuntime({ forceInstall: true })
  device.position.set(0, 1.55, 0)
}
