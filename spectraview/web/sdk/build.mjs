// Builds ../dist/sdk/sdk.js for <script>, ../dist/demo, and lib/ for npm.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { build } from 'esbuild';

const shared = { bundle: true, target: 'es2020', charset: 'utf8', logLevel: 'warning' };

await build({
  ...shared,
  entryPoints: ['src/script.ts'],
  format: 'iife',
  minify: true,
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
const typescript = createRequire(import.meta.url).resolve('typescript/package.json');
const compiler = typescript.replace(/package\.json$/, 'bin/tsc');
const options = ['--emitDeclarationOnly', '--declaration', '--outDir', 'lib'];
execFileSync(process.execPath, [compiler, ...options], { stdio: 'inherit' });

rmSync('../dist/demo', { recursive: true, force: true });
if (existsSync('../demo')) cpSync('../demo', '../dist/demo', { recursive: true });
