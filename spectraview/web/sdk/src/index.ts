import { record } from '@rrweb/record';

type RrwebEvent = Parameters<NonNullable<NonNullable<Parameters<typeof record>[0]>['emit']>>[0];

/** What a page says about itself. */
export interface Options {
  server: string;
  key: string;
  app: string;
}

/** Record this page: a batch every 50 events or 30 seconds, one after another. */
export function init({ server, key, app }: Options): void {
  const sessionId = crypto.randomUUID();
  let waiting: RrwebEvent[] = [];
  let sending: Promise<unknown> = Promise.resolve();

  async function post(body: string): Promise<void> {
    for (let pause = 1000; ; pause = Math.min(2 * pause, 60_000)) {
      const answer = await fetch(`${server}/api/sessions/${sessionId}/events`, {
        method: 'POST',
        headers: { 'X-API-Key': key },
        body,
      }).catch(() => null);
      if (answer && answer.status < 500 && answer.status !== 429) return;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * pause));
    }
  }
  function flush(): void {
    if (!waiting.length) return;
    const body = JSON.stringify({ sessionId, appId: app, events: waiting });
    waiting = [];
    sending = sending.then(() => post(body));
  }
  record({
    emit: (event) => {
      if (waiting.push(event) >= 50) flush();
    },
  });
  setInterval(flush, 30_000);
}
