import { defineConfig } from "vitest/config";

// What is built is committed and embedded into the binary, so names have no hash in them: a change shows as a change of the same file.
// The server sends an ETag with each. Nothing is inlined, because the page's Content-Security-Policy allows no inline script or style.
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../internal/page/dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    rollupOptions: {
      output: {
        entryFileNames: "assets/page.js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/[name][extname]",
      },
    },
  },
  server: { proxy: { "/api": { target: process.env["KUBENEXUS_SERVE"] ?? "https://127.0.0.1:8443", secure: false } } },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
