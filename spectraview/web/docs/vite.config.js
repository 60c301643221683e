import { defineConfig } from 'vite';

export default defineConfig({
  base: '/api/docs/',
  build: { outDir: '../dist/docs', emptyOutDir: true, chunkSizeWarningLimit: 2000 },
});
