/** The SDK as `<script src="…/sdk.js" data-app="shop" data-key="…">`. */
import * as SpectraView from './index';

const script = document.currentScript as HTMLScriptElement | null;
(globalThis as unknown as { SpectraView: unknown }).SpectraView = SpectraView;

// A frame of the page's own origin is recorded with the page.
if (script?.dataset.key && script.dataset.app && window.parent === window) {
  const { app, key, server, user, ticket, sampling, maskAllInputs } = script.dataset;
  SpectraView.init({
    app,
    key,
    server: server ?? new URL(script.src).origin,
    userId: user,
    ticketId: ticket,
    sampling: sampling === undefined ? undefined : Number(sampling),
    maskAllInputs: maskAllInputs !== undefined && maskAllInputs !== 'false',
  });
}
