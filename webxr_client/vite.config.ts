import { defineConfig } from 'vitest/config'

// The server serves the build from the Python package. In development (`npm run dev`) the page comes
// from Vite and everything else from a running server.
const server = process.env['LIKENESS_SERVER'] ?? 'http://127.0.0.1:8080'

export default defineConfig({
  base: '/',
  build: {
    outDir: '../server/likeness/web',
    emptyOutDir: true,
    // The server's content policy allows no data: scripts, so nothing is inlined.
    assetsInlineLimit: 0,
    target: 'es2022',
    chunkSizeWarningLimit: 1500,
    reportCompressedSize: false,
    // The face tracker runs in a frame of its own, with its own content policy (src/face/tracker.ts).
    rolldownOptions: { input: ['index.html', 'face-tracker.html'] },
  },
  server: {
    proxy: {
      '/api': { target: server, ws: true },
      '/avatars': server,
    },
  },
  // A busy machine may take its time; the limit only ends what hangs.
  test: { include: ['test/**/*.test.ts'], testTimeout: 120_000 },
})
