import { defineConfig } from "vite";

// Into the Python package, which serves it. `npm run dev` asks a tidemill that runs.
export default defineConfig({
  oxc: { jsx: { importSource: "preact" } },
  build: {
    outDir: "../src/tidemill/serve/page",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: {
    proxy: Object.fromEntries(
      [
        "alerts",
        "auth",
        "coverage",
        "endpoints",
        "events",
        "execution",
        "export",
        "health",
        "kill",
        "metrics",
        "schedule",
        "sql",
        "stats",
        "whales",
        "ws",
      ].map((name) => [
        `/${name}`,
        { target: "http://127.0.0.1:8080", ws: name === "ws", changeOrigin: true },
      ]),
    ),
  },
});
