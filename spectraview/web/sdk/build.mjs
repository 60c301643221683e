// Builds ../dist/sdk/sdk.js for <script>, and lib/ for npm.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { build } from 'esbuild';

const shared = { bundle: true, target: 'es2020', charset: 'utf8', logLevel: 'warning' };

await build({
  ...shared,
  entryPoints: ['src/script.ts'],
  format: 'iife',
  minify: true,
  sourcemap: false,
  legalComments: 'none',
  outfile: '../dist/sdk/sdk.js',
});
await build({
  ...shared,
  entryPoints: ['src/index.ts'],
  format: 'esm',
  packages: 'external',
  outfile: 'lib/index.js',
});
const tsc = createRequire(import.meta.url).resolve('typescript/package.json').replace(/package\.json$/, 'bin/tsc');
execFileSync(process.execPath, [tsc, '--emitDeclarationOnly', '--declaration', '--outDir', 'lib'], { stdio: 'inherit' });
