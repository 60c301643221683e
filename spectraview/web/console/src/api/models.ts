/** What the API answers, as far as the console reads it. */

/** An rrweb event; what its data hold depends on its type. */
export interface RecordedEvent {
  type: number;
  timestamp: number;
  // biome-ignore lint/suspicious/noExplicitAny: recorded data come in many shapes, all of them untrusted.
  data: any;
  delay?: number;
}

export interface CustomEvent {
  eventType: string;
  timestamp: number;
  [member: string]: unknown;
}

export interface PageError {
  type: string;
  timestamp: number;
  message?: string;
  stack?: string;
  [member: string]: unknown;
}

export interface ListedSession {
  sessionId: string;
  appId: string;
  userId: string | null;
  ticketId: string | null;
  startTime: number;
  endTime: number | null;
  duration: number;
  errorCount: number;
  eventCount: number;
  clickCount: number;
  live: boolean;
  /** The first page. */
  url?: string | null;
  rageClickCount?: number;
  deadClickCount?: number;
}

export interface SessionPage {
  sessions: ListedSession[];
  total: number;
  cursor?: string;
}

export interface Session {
  sessionId: string;
  appId: string;
  userId: string | null;
  ticketId: string | null;
  startTime: number;
  endTime: number | null;
  duration: number;
  stats: { totalEvents: number; customEvents: number; errors: number; clicks: number };
  live: boolean;
  viewers: number | null;
  expiresAt: string;
  metadata: Record<string, unknown>;
}

export interface Part {
  firstSequence: number;
  lastSequence: number;
  startTimestamp: number;
  endTimestamp: number;
  sizeBytes: number;
}

export interface Keyframe {
  sequence: number;
  timestamp: number;
}

export interface Span {
  from: number;
  to: number;
}

export interface Manifest {
  sessionId: string;
  live: boolean;
  events: number;
  sizeBytes: number;
  startTimestamp: number | null;
  endTimestamp: number | null;
  parts: Part[];
  keyframes: Keyframe[];
  activity: { startTimestamp: number; intervalMs: number; counts: number[] } | null;
  idle: Span[];
  pages: { timestamp: number; href: string }[];
  clicks: { timestamp: number }[];
  rageClicks: { timestamp: number; clicks: number }[];
  deadClicks: { timestamp: number }[];
  errors: { timestamp: number; type: string; message: string | null }[];
  customEvents: { timestamp: number; eventType: string }[];
}

export interface Range {
  firstSequence: number;
  events: RecordedEvent[];
  customEvents: CustomEvent[];
  errors: PageError[];
}
