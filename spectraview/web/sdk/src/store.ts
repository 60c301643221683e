import type { Item } from './item';

/** An item that outlives its page, with where it goes. */
export interface Kept extends Item {
  server: string;
  key: string;
}

const NAME = 'spectraview';
const ITEMS = 'items';
const MOST_BYTES = 32 * 1024 * 1024;
const LONGEST = 72 * 3_600_000;

/** Keeps what the server has not acknowledged: for an outage longer than the page. Losing it costs
 * nothing while the page lives, so nothing waits for it and nothing fails by it. */
export class Store {
  private readonly database: Promise<IDBDatabase | null> = open();
  private bytes = 0;

  /** Keep an item. */
  async put(item: Kept): Promise<void> {
    const size = item.body?.length ?? 0;
    if (this.bytes + size > MOST_BYTES) return;
    this.bytes += size;
    await this.act('readwrite', (items) => items.put(item));
  }

  /** Forget an item. */
  async forget(item: Item): Promise<void> {
    this.bytes = Math.max(0, this.bytes - (item.body?.length ?? 0));
    await this.act('readwrite', (items) => items.delete([item.sessionId, item.number]));
  }

  /** Return all items in the order of their sessions; what is too old is forgotten. */
  async all(): Promise<Kept[]> {
    const found = (await this.act('readonly', (items) => items.getAll())) as Kept[] | undefined;
    const [old, kept] = split(found ?? [], (item) => Date.now() - item.at > LONGEST);
    this.bytes = kept.reduce((sum, item) => sum + (item.body?.length ?? 0), 0);
    old.forEach((item) => void this.forget(item));
    return kept;
  }

  /** Run one request; undefined where the browser refuses. */
  private async act(
    mode: IDBTransactionMode,
    ask: (items: IDBObjectStore) => IDBRequest,
  ): Promise<unknown> {
    const database = await this.database;
    if (!database) return undefined;
    return new Promise((resolve) => {
      try {
        const transaction = database.transaction(ITEMS, mode);
        const request = ask(transaction.objectStore(ITEMS));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onabort = () => resolve(undefined);
        transaction.commit?.(); // does not wait for answers: the page may be about to go
      } catch {
        resolve(undefined);
      }
    });
  }
}

function open(): Promise<IDBDatabase | null> {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(ITEMS, { keyPath: ['sessionId', 'number'] });
      };
      request.onsuccess = () => {
        request.result.onversionchange = () => request.result.close();
        resolve(request.result);
      };
      request.onerror = () => resolve(null);
      request.onblocked = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
}

function split<Thing>(things: Thing[], test: (thing: Thing) => boolean): [Thing[], Thing[]] {
  return [things.filter(test), things.filter((thing) => !test(thing))];
}
