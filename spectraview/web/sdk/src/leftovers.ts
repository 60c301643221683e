import { Queue } from './queue';
import type { Kept, Store } from './store';
import { Transport } from './transport';

const DEAD = 120_000;
const nothing = (): void => undefined;

/**
 * Send what pages that are gone could not send, each session's in its order.
 *
 * A page that lives in another tab may send the same at the same time: the server knows each batch
 * by its id, and both send in the same order.
 */
export function sendLeftovers(kept: Kept[], ownSession: string, store: Store): void {
  const sessions = new Map<string, Kept[]>();
  for (const item of kept) {
    if (item.sessionId === ownSession) continue;
    sessions.set(item.sessionId, [...(sessions.get(item.sessionId) ?? []), item]);
  }
  for (const items of sessions.values()) {
    const last = items[items.length - 1]!;
    if (Date.now() - last.at < DEAD) continue;
    const transport = new Transport(last.server, last.key);
    const events = { stored: nothing, refused: nothing, empty: nothing };
    new Queue(transport, store, events, Promise.resolve(items));
  }
}
