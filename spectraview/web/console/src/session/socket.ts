/** The live view's WebSocket: protocol 2, with the stored compressed bytes, resumed by batch. */

import { ApiFailure } from '../api/client';
import type { CustomEvent, PageError, RecordedEvent } from '../api/models';

export interface LiveBatch {
  firstSequence: number;
  events: RecordedEvent[];
  customEvents: CustomEvent[];
  errors: PageError[];
}

export type Connection = 'connecting' | 'catchingUp' | 'live' | 'reconnecting' | 'ended' | 'gone';

export interface LiveListener {
  onConnection(connection: Connection): void;
  onBatch(batch: LiveBatch, isLive: boolean): void;
  onViewers(viewers: number): void;
  onDegraded(degraded: boolean): void;
}

interface Message {
  type: string;
  sequence: [number, number];
  batch: number;
  events?: RecordedEvent[];
  customEvents?: CustomEvent[];
  errors?: PageError[];
  codec?: keyof typeof FORMATS;
  viewers: number;
  degraded: boolean;
  delay: number;
}

const FORMATS = { zlib: 'deflate', gzip: 'gzip', deflate: 'deflate-raw' } as const;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
const FINAL = new Set([1009, 4400, 4404]);

export class LiveSocket {
  #socket: WebSocket | null = null;
  #from: unknown = 'keyframe';
  #order: Promise<void> = Promise.resolve();
  #pause = FIRST_PAUSE;
  #delay: number | null = null;
  #synced = false;
  #stopped = false;
  #timer = 0;

  constructor(
    private readonly sessionId: string,
    private readonly token: () => Promise<string>,
    private readonly listener: LiveListener,
  ) {}

  async start(): Promise<void> {
    try {
      const token = await this.token();
      if (!this.#stopped) this.#open(token);
    } catch (failure) {
      const refused = failure instanceof ApiFailure && [401, 403, 404].includes(failure.status);
      if (refused) this.listener.onConnection('gone');
      else this.#comeBack();
    }
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #open(token: string): void {
    const address = new URL(`/api/sessions/${this.sessionId}/live`, location.href);
    address.protocol = address.protocol.replace('http', 'ws');
    address.searchParams.set('token', token);
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      const { sessionId } = this;
      const from = this.#from;
      socket.send(
        JSON.stringify({ type: 'subscribe', sessionId, protocol: 2, encoding: 'deflate', from }),
      );
    };
    socket.onmessage = ({ data }) => this.#queue(async () => this.#take(await messageOf(data)));
    socket.onclose = ({ code }) => this.#queue(async () => this.#closed(code));
  }

  /** Keep the order of messages: some take time to inflate. */
  #queue(work: () => Promise<void>): void {
    this.#order = this.#order.then(async () => {
      if (!this.#stopped) await work();
    });
    this.#order = this.#order.catch((error: unknown) => {
      console.warn('A live message could not be read', error);
      this.#socket?.close();
    });
  }

  #take(message: Message): void {
    const { listener } = this;
    if (message.type === 'events') {
      this.#from = { batch: message.batch, sequence: message.sequence[1] + 1 };
      const { events = [], customEvents = [], errors = [] } = message;
      const batch = { firstSequence: message.sequence[0], events, customEvents, errors };
      listener.onBatch(batch, this.#synced);
    } else if (message.type === 'subscribed') {
      this.#pause = FIRST_PAUSE;
      listener.onConnection('catchingUp');
    } else if (message.type === 'synced') {
      this.#synced = true;
      listener.onConnection('live');
    } else if (message.type === 'viewers') listener.onViewers(message.viewers);
    else if (message.type === 'degraded') listener.onDegraded(message.degraded);
    else if (message.type === 'reconnect') this.#delay = message.delay;
  }

  #closed(code: number): void {
    if (code === 1000) this.listener.onConnection('ended');
    else if (FINAL.has(code)) this.listener.onConnection('gone');
    else {
      if (code === 4408) this.#from = 'keyframe';
      this.#comeBack();
    }
  }

  #comeBack(): void {
    if (this.#stopped) return;
    this.#synced = false;
    this.listener.onConnection('reconnecting');
    const wait = this.#delay ?? this.#pause * (0.5 + Math.random());
    this.#delay = null;
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
    this.#timer = window.setTimeout(() => void this.start(), wait);
  }
}

async function messageOf(data: string | ArrayBuffer): Promise<Message> {
  if (typeof data === 'string') return JSON.parse(data);
  const length = new DataView(data).getUint32(0);
  const head: Message = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  const stored = new Uint8Array(data, 4 + length);
  if (!stored.length) return { ...head, events: [] };
  const format = FORMATS[head.codec ?? 'zlib'];
  const inflated = new Blob([stored]).stream().pipeThrough(new DecompressionStream(format));
  return { ...head, events: await new Response(inflated).json() };
}
