import { init } from './index';

const script = document.currentScript as HTMLScriptElement | null;
(globalThis as unknown as Record<string, unknown>).SpectraView = { init };
if (script?.dataset.key && script.dataset.app) {
  init({ server: new URL(script.src).origin, key: script.dataset.key, app: script.dataset.app });
}
