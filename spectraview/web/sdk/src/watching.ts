const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
const GOING_AWAY = [4401, 4404];

/** What the server tells about those who watch. */
export interface WatchEvents {
  viewers(count: number): void;
  snapshotWanted(): void;
}

/** Listens to who watches a session, by a WebSocket that sends nothing. */
export class Watching {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempts = 0;

  constructor(
    private readonly address: (sessionId: string) => string,
    private readonly events: WatchEvents,
  ) {}

  listen(sessionId: string): void {
    this.close();
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.address(sessionId));
    } catch {
      return; // the page's policy forbids it: receipts tell too, only later
    }
    this.socket = socket;
    socket.onopen = () => {
      this.attempts = 0;
    };
    socket.onmessage = ({ data }) => this.hear(String(data));
    socket.onclose = ({ code }) => {
      if (this.socket !== socket || GOING_AWAY.includes(code)) return;
      const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.attempts++);
      this.timer = setTimeout(() => this.listen(sessionId), 100 + Math.random() * longest);
    };
  }

  close(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private hear(text: string): void {
    const message = JSON.parse(text) as { type?: string; viewers?: number };
    if (message.type === 'watched') this.events.viewers(message.viewers ?? 0);
    else if (message.type === 'needFullSnapshot') this.events.snapshotWanted();
  }
}
