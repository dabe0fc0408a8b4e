import { defineConfig } from 'vite'

// The pages are a folder of the server's package, which is published with them.
export default defineConfig({
  // Every page lies one segment deep, so that relative addresses hold under any prefix of a proxy.
  base: './',
  build: {
    outDir: '../server/dist/dashboard',
    emptyOutDir: true,
    target: 'es2022',
    // The server's policy lets in nothing that is inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { '/api': process.env.GEARTRAIN_URL ?? 'http://127.0.0.1:4731' },
  },
})
